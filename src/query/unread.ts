/** Whether an answer holds none of the values it was asked for, because none could be read. */

import { hex } from '../base/addr.ts';
import type { ListReport } from './list-entries.ts';
import type { Result } from './result.ts';
import type { ValueNode } from './value-tree.ts';

/** Why an answer has no value in it; undefined where it has one, or is none of values. */
export function whyUnread(result: Result): string | undefined {
  switch (result.type) {
    case 'value':
      return whyNodeUnread(result.value);
    case 'structure':
      return whyAllUnread(result.whole === undefined ? result.members.map(({ value }) => value) : [result.whole]);
    case 'unread-objects':
      return `${result.name} from ${hex(result.first)} to ${hex(result.last)}, ${result.count} of them: ${result.why}`;
    case 'list':
      return whyListUnread(result);
    case 'address':
      return result.parts.length === 1 && result.parts[0]?.kind === 'unknown'
        ? `${hex(result.address)}: ${result.parts[0].why}`
        : undefined;
    default:
      return undefined;
  }
}

function whyListUnread({ count, end }: ListReport): string | undefined {
  return count === 0 && end?.kind === 'broken' ? `the list breaks at its head: ${end.why}` : undefined;
}

function whyNodeUnread(node: ValueNode): string | undefined {
  return node.kind === 'unavailable' ? node.unavailable : undefined;
}

function whyAllUnread(nodes: readonly ValueNode[]): string | undefined {
  const reasons = nodes.map(whyNodeUnread);
  return reasons.includes(undefined) ? undefined : reasons[0];
}
