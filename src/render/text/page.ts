/** A page of memory in crash's layout: `vtop`, `kmem`. */

import { hex } from '../../base/addr.ts';
import type { PageState } from '../../query/page-state.ts';

export const PAGE_HEADER = '      PAGE       PHYSICAL      MAPPING       INDEX CNT FLAGS';

/** @param named whether the flags' names stand behind them */
export function pageLine(page: PageState, named: boolean): string {
  const names = named && page.flagNames.length > 0 ? [page.flagNames.join(',')] : [];
  return [
    hex(page.page, 16),
    hex(page.physical).padStart(8),
    hex(page.mapping).padStart(16),
    hex(page.index).padStart(8),
    String(page.count).padStart(2),
    hex(page.flags),
    ...names,
  ].join(' ');
}
