/** `list` in crash's layout: an address a line, below it what the entry holds; and how the list ended where it broke. */

import { hex } from '../../base/addr.ts';
import { assertNever } from '../../base/errors.ts';
import type { ListReport } from '../../query/list-entries.ts';
import type { StructureReport } from '../../query/structure.ts';
import type { ValueNode } from '../../query/value-tree.ts';
import { escapeLine } from './escape.ts';
import { renderStructure } from './structure.ts';
import { valueLines, type Radix } from './value.ts';

export function* renderList({ entries, short, end, count }: ListReport): Generator<string> {
  for (const { address, object } of entries) {
    yield hex(address, 16);
    if (object !== undefined) yield* short ? shortMembers(object) : renderStructure(object);
  }
  if (end === undefined) return;
  if (count === 0 && end.kind === 'end') yield '(empty)';
  const behind = count === 0 ? 'at its head' : 'behind this entry';
  switch (end.kind) {
    case 'end':
      return;
    case 'broken':
      yield `(the list breaks ${end.behind === undefined ? behind : `behind ${hex(end.behind, 16)}`}: ${end.why})`;
      return;
    case 'loop':
      yield end.length === undefined
        ? `list: duplicate list entry: ${hex(end.to, 16)} (its predecessor here is ${hex(end.behind, 16)})`
        : `list: loop detected, loop length: ${end.length}, at ${hex(end.to, 16)}`;
      return;
    default:
      assertNever(end);
  }
}

/** `list -S`: numbers and text alone, without the comma; what is no scalar as in `list -s`. */
function* shortMembers(object: StructureReport): Generator<string> {
  for (const member of object.members) {
    const text = shortText(member.value, object.radix);
    if (text === undefined) yield* renderStructure({ ...object, members: [member] });
    else yield `  ${escapeLine(member.path)} = ${text}`;
  }
}

function shortText(value: ValueNode, radix: Radix): string | undefined {
  switch (value.kind) {
    case 'text':
      return valueLines({ ...value, length: value.text.length + 1, cut: false }, radix, 0)[0];
    case 'enum':
    case 'character':
      return radix === 16 ? `0x${hex(BigInt.asUintN(64, value.value))}` : String(value.value);
    case 'integer':
    case 'bool':
    case 'pointer':
    case 'unavailable':
      return valueLines(value, radix, 0)[0];
    case 'float':
    case 'implicit-pointer':
    case 'function':
    case 'structure':
    case 'array':
      return undefined;
  }
}
