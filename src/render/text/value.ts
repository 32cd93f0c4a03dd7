/** Values as GDB prints them for crash: `set print pretty on`, repeats written out, no more than 256 elements. */

import { hex } from '../../base/addr.ts';
import type { MemberNode, ValueNode } from '../../query/value-tree.ts';
import { escapeLine } from './escape.ts';

export type Radix = 10 | 16;

/** The lines of a value whose first line stands behind `head`; those after it are indented by `indent`. */
export function valueLines(node: ValueNode, radix: Radix, indent: number, head = ''): string[] {
  switch (node.kind) {
    case 'structure':
      if (node.members.length === 0) return [`${head}{<No data fields>}`];
      return [`${head}{`, ...memberLines(node.members, radix, indent + 2), `${' '.repeat(indent)}}`];
    case 'array':
      return arrayLines(node.elements, node.cut, radix, indent, head);
    case 'implicit-pointer':
      return valueLines(node.target, radix, indent, `${head}-> `);
    case 'integer':
    case 'character':
    case 'bool':
    case 'enum':
    case 'float':
    case 'pointer':
    case 'function':
    case 'text':
    case 'unavailable':
      return [`${head}${scalarText(node, radix)}`];
  }
}

export function memberLines(members: readonly MemberNode[], radix: Radix, indent: number): string[] {
  const lines: string[] = [];
  for (const [index, { name, value }] of members.entries()) {
    const head = `${' '.repeat(indent)}${name === undefined ? '' : `${escapeLine(name)} = `}`;
    for (const line of valueLines(value, radix, indent, head)) lines.push(line);
    if (index < members.length - 1) lines[lines.length - 1] += ',';
  }
  return lines;
}

/** `{1, 2, 3}` on one line; structures one below the other: `{{ … }, { … }}`. */
function arrayLines(
  elements: readonly ValueNode[],
  cut: boolean,
  radix: Radix,
  indent: number,
  head: string,
): string[] {
  const lines: string[] = [];
  let line = `${head}{`;
  for (const [index, element] of elements.entries()) {
    const parts = valueLines(element, radix, indent + 2);
    const [first = '', ...rest] = parts;
    line += `${index === 0 ? '' : ', '}${first}`;
    if (rest.length === 0) continue;
    for (const next of rest) {
      lines.push(line);
      line = next;
    }
  }
  return [...lines, `${line}${cut ? '...' : ''}}`];
}

type ScalarNode = Exclude<ValueNode, { kind: 'structure' | 'array' | 'implicit-pointer' }>;

function scalarText(node: ScalarNode, radix: Radix): string {
  switch (node.kind) {
    case 'integer':
      return integerText(node.value, node.bits, radix);
    case 'bool':
      if (radix === 16) return `0x${hex(node.value)}`;
      return node.value === 0n ? 'false' : node.value === 1n ? 'true' : String(node.value);
    case 'character':
      return radix === 16
        ? integerText(node.value, node.bits, radix)
        : `${node.value} '${characterText(Number(BigInt.asUintN(8, node.value)), "'")}'`;
    case 'enum':
      return node.name === undefined ? String(node.value) : escapeLine(node.name);
    case 'float':
      return String(node.value);
    case 'pointer':
      return `0x${hex(node.value)}${labelText(node.label)}${node.text === undefined ? '' : ` ${quoted(node.text, node.cut)}`}`;
    case 'function':
      return `{${escapeLine(node.type)}} 0x${hex(node.value)}${labelText(node.label)}`;
    case 'text': {
      // GDB leaves out the last zero of an array that is shown whole.
      const shown = node.cut ? Math.max(node.text.length, 256) : Math.max(node.text.length, node.length - 1);
      return quoted(node.text.padEnd(shown, '\0'), node.cut);
    }
    case 'unavailable':
      return `(${escapeLine(node.unavailable)})`;
  }
}

function labelText(label: string | undefined): string {
  return label === undefined ? '' : ` <${escapeLine(label)}>`;
}

function integerText(value: bigint, bits: number, radix: Radix): string {
  return radix === 16 ? `0x${hex(BigInt.asUintN(bits, value))}` : String(value);
}

function quoted(text: string, cut: boolean): string {
  const inner = Array.from(text, (character) => characterText(character.codePointAt(0) ?? 0, '"')).join('');
  return `"${inner}"${cut ? '...' : ''}`;
}

const letters: Readonly<Record<number, string>> = {
  7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r', 27: '\\033', 92: '\\\\',
}; // prettier-ignore

/** As C writes it: three octal digits for what cannot be printed. */
function characterText(code: number, quote: string): string {
  if (code === quote.charCodeAt(0)) return `\\${quote}`;
  const letter = letters[code];
  if (letter !== undefined) return letter;
  if (code >= 0x20 && code < 0x7f) return String.fromCharCode(code);
  return `\\${code.toString(8).padStart(3, '0')}`;
}
