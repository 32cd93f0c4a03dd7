/** Objects in crash's layouts: `struct NAME ADDRESS`, some members alone, and with -p what their pointers lead to. */

import { hex } from '../../base/addr.ts';
import { escapeLine } from './escape.ts';
import type { UnreadObjects } from '../../query/object-array.ts';
import type { ShownMember, StructureReport } from '../../query/structure.ts';
import { valueLines, type Radix } from './value.ts';

export function* renderStructure(report: StructureReport): Generator<string> {
  const { cpu, address, name, whole, members, radix } = report;
  if (cpu !== undefined) yield `[${cpu}]: ${hex(address, 16)}`;
  if (whole !== undefined) yield* valueLines(whole, radix, 0, `${escapeLine(name)} `);
  for (const member of members) {
    if (member.followed === undefined) yield* plainMember(member, radix);
    else yield* followedMember(member, member.followed, radix);
  }
}

export function renderUnreadObjects({ name, first, last, count, why }: UnreadObjects): string {
  return `${escapeLine(name)} from ${hex(first, 16)} to ${hex(last, 16)}, ${count} of them: (${escapeLine(why)})`;
}

/** With the indentation and the comma that it has in the whole structure. */
function plainMember({ path, value, standing }: ShownMember, radix: Radix): string[] {
  const indent = 2 + 2 * standing.depth;
  const lines = valueLines(value, radix, indent, `${' '.repeat(indent)}${escapeLine(path)} = `);
  if (!standing.last) lines[lines.length - 1] += ',';
  return lines;
}

function* followedMember(
  { value }: ShownMember,
  { declaration, target }: NonNullable<ShownMember['followed']>,
  radix: Radix,
): Generator<string> {
  const pointer = value.kind === 'pointer' ? { ...value, label: undefined } : value;
  yield* valueLines(pointer, radix, 2, `  ${escapeLine(declaration)} = `);
  if (target === undefined) {
    yield '  -> NULL';
    return;
  }
  const label = target.label === undefined ? '' : `<${escapeLine(target.label)}>`;
  if (target.value === undefined) yield `  -> ${label === '' ? '(of no known type)' : label}`;
  else yield* valueLines(target.value, radix, 5, `  -> ${label}${label === '' ? '' : ' '}`);
}
