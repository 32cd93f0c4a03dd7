/** `vtop` in crash's layout. Flags: Intel SDM volume 3A, table 4-20; page flags of the kernel are shown as a number. */

import { hex } from '../../base/addr.ts';
import { isUnavailable } from '../../base/available.ts';
import type { Translation } from '../../query/translate.ts';
import { PAGE_HEADER, pageLine } from './page.ts';

const flagNames: readonly (readonly [bigint, string])[] = [
  [1n << 0n, 'PRESENT'],
  [1n << 1n, 'RW'],
  [1n << 2n, 'USER'],
  [1n << 3n, 'PWT'],
  [1n << 4n, 'PCD'],
  [1n << 5n, 'ACCESSED'],
  [1n << 6n, 'DIRTY'],
  [1n << 7n, 'PSE'],
  [1n << 8n, 'GLOBAL'],
  [1n << 63n, 'NX'],
];
const sizeNames: Readonly<Record<number, string>> = { 2_097_152: '  (2MB)', 1_073_741_824: '  (1GB)' };

export function* renderTranslation(translation: Translation): Generator<string> {
  const { address, walk, user, root, page } = translation;
  const physical = walk.physicalAddress;
  const virtualText = hex(address, user ? 0 : 16);
  yield `${'VIRTUAL'.padEnd(Math.max(virtualText.length, 10))}  PHYSICAL`;
  yield `${virtualText.padEnd(Math.max(virtualText.length, 10))}  ${physical === undefined ? '(not mapped)' : hex(physical)}`;
  yield '';
  if (root !== undefined) yield `PGD DIRECTORY: ${hex(root, 16)}`;
  for (const [index, entry] of walk.entries.entries()) {
    if (index === 0 && !user) yield `PAGE DIRECTORY: ${hex(entry.value)}`;
    else yield `${entry.level.padStart(6)}: ${hex(entry.physicalAddress)} => ${hex(entry.value)}`;
  }
  const last = walk.entries.at(-1);
  if (last === undefined || physical === undefined) return;
  const frame = hex(physical - (physical % walk.pageSize));
  yield `  PAGE: ${frame}${sizeNames[walk.pageSize] ?? ''}`;
  yield '';
  yield* renderEntry(last.value, frame, walk.pageSize > 4096);
  yield '';
  if (isUnavailable(page)) {
    yield `(page: ${page.unavailable})`;
    return;
  }
  yield PAGE_HEADER;
  yield pageLine(page, false);
}

function* renderEntry(value: bigint, frame: string, large: boolean): Generator<string> {
  const text = hex(value);
  const width = Math.max(text.length, 3);
  const frameWidth = Math.max(frame.length, 8);
  const names = flagNames
    .filter(([bit, name]) => (value & bit) !== 0n && (name !== 'PSE' || large))
    .map(([, name]) => name);
  yield `${center('PTE', width)}  ${'PHYSICAL'.padEnd(frameWidth)}  FLAGS`;
  yield `${text.padStart(width)}  ${frame.padStart(frameWidth)}  (${names.join('|')})`;
}

function center(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2);
  return text.padStart(left + text.length).padEnd(width);
}
