/** `bt -v` in crash's words: the stacks that show signs of an overflow. */

import { hex } from '../../base/addr.ts';
import type { OverflowSign, StackOverflows } from '../../query/stack-overflow.ts';
import { headerLine } from './backtrace.ts';

export function* renderStackOverflows({ stacks, unreadable, checked }: StackOverflows): Generator<string> {
  for (const { header, signs } of stacks) {
    yield headerLine(header);
    for (const sign of signs) yield `  possible stack overflow: ${text(sign)}`;
    yield '';
  }
  for (const { header, why } of unreadable) {
    yield headerLine(header);
    yield `  (not checked: ${why})`;
    yield '';
  }
  if (stacks.length === 0) yield checked === 0 ? 'No stack could be checked' : 'No stack overflows detected';
}

function text({ what, address, found, wanted }: OverflowSign): string {
  switch (what) {
    case 'STACK_END_MAGIC':
      return `${hex(address ?? 0n)}: ${hex(found)} != STACK_END_MAGIC`;
    case 'thread_info.task':
      return `thread_info.task: ${hex(found)} != ${hex(wanted)}`;
    case 'thread_info.cpu':
      return `thread_info.cpu: ${found} >= ${wanted}`;
    case 'stack pointer':
      return `stack pointer: ${hex(found)} < ${hex(wanted)}`;
  }
}
