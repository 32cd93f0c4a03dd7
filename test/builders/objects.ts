/** A synthetic kernel with one structure that has a member of every kind, objects of it, and types that are broken. */

import { addVirt, virtAddr, type VirtAddr } from '../../src/base/addr.ts';
import { Session } from '../../src/commands/session.ts';
import { invocationOf, runCommand } from '../../src/commands/run.ts';
import { parseLine } from '../../src/commands/line.ts';
import { renderText } from '../../src/render/text/index.ts';
import type { BtfBuilder } from './btf.ts';
import { encode } from './byte-writer.ts';
import { KernelBuilder, TEXT } from './kernel.ts';

export interface Objects {
  readonly session: Session;
  readonly thing: VirtAddr;
  /** Half of it is on a page that is not there. */
  readonly torn: VirtAddr;
  /** A list_head with three things in it, by thing.link. */
  readonly head: VirtAddr;
  readonly entries: readonly VirtAddr[];
}

/** Of struct thing. */
export const THING_SIZE = 200;
const LINK = 184;

export function objects(): Objects {
  const builder = new KernelBuilder();
  addTypes(builder.types);
  addBrokenTypes(builder.types);
  builder.symbol('do_thing', TEXT + 0x100n);
  const text = builder.allocate(512);
  builder.text(text, 'a\tb"\u001b[31m\\');
  const thing = builder.variable('a_thing', THING_SIZE);
  fill(builder, thing, text);
  const long = builder.variable('long_text', 512);
  builder.write(long, encode('x'.repeat(400)));
  const head = builder.variable('things', 16);
  const entries = [1, 2, 3].map((id) => {
    const entry = builder.allocate(THING_SIZE);
    builder.u32(entry, id);
    return entry;
  });
  const links = [head, ...entries.map((entry) => addVirt(entry, LINK))];
  for (const [index, link] of links.entries()) {
    const next = links[(index + 1) % links.length] as VirtAddr;
    builder.u64(link, next).u64(addVirt(next, 8), link);
  }
  builder.allocate(4096);
  const page = builder.allocate(4096);
  builder.gap();
  const torn = addVirt(page, 4096 - 16);
  builder.u32(torn, 9);
  return { session: new Session(builder.target()), thing, torn, head, entries };
}

function fill(builder: KernelBuilder, thing: VirtAddr, text: VirtAddr): void {
  builder.u32(thing, -5).u32(addVirt(thing, 4), 0b1_0110).u32(addVirt(thing, 8), 3).u32(addVirt(thing, 12), 1);
  builder.u64(addVirt(thing, 16), thing).u64(addVirt(thing, 24), text);
  builder.write(addVirt(thing, 32), encode('ab\u001b'));
  builder.u64(addVirt(thing, 40), TEXT + 0x104n).u64(addVirt(thing, 56), 0x1234n);
  for (const [index, value] of [1, -2, 3, 4, 5, 6].entries()) builder.u32(addVirt(thing, 64 + index * 4), value);
  builder.write(addVirt(thing, 88), Uint8Array.of(1, 65, 0x80, 1));
  builder.u64(addVirt(thing, 96), -1n).u64(addVirt(thing, 104), 1n);
  for (const [index, value] of [10, 11, 12, 13].entries()) builder.u32(addVirt(thing, 112 + index * 4), value);
  builder.u64(addVirt(thing, 128), 0x3ff8_0000_0000_0000n).u32(addVirt(thing, 136), 5);
}

/** Types of every kind. */
export function addTypes(types: BtfBuilder): void {
  const int = types.int('int', 4, { signed: true });
  const uint = types.int('unsigned int', 4);
  const ulong = types.int('long unsigned int', 8);
  const char = types.int('char', 1, { signed: true, char: true });
  const byte = types.int('unsigned char', 1);
  const bool = types.int('_Bool', 1, { bool: true });
  const wide = types.int('__int128', 16, { signed: true });
  const flags = types.enum('flags', { FLAG_A: 1, FLAG_B: 2, FLAG_TOP: 0x8000_0000 });
  const state = types.enum('state', { GONE: -1, IDLE: 0, BUSY: 1 }, { signed: true });
  const list = types.struct('list_head', 16, [
    { name: 'next', type: types.nextId + 1, offset: 0 },
    { name: 'prev', type: types.nextId + 1, offset: 8 },
  ]);
  types.pointer(list);
  const point = types.struct('point', 8, [
    { name: 'x', type: int, offset: 0 },
    { name: 'y', type: int, offset: 4 },
  ]);
  const hollow = types.struct('hollow', 0, []);
  const handler = types.pointer(types.prototype(int, [{ name: 'what', type: int }]));
  const pair = types.struct('', 8, [
    { name: 'first', type: int, offset: 0 },
    { name: 'second', type: int, offset: 4 },
  ]);
  const choice = types.compound('union', '', 8, [
    { name: 'whole', type: ulong, offset: 0 },
    { name: '', type: pair, offset: 0 },
  ]);
  const text = types.pointer(char);
  const name = types.array(char, 8);
  const nothing = types.pointer(0);
  const grid = types.array(types.array(int, 3), 2);
  const points = types.array(point, 2);
  const double = types.float('double', 8);
  const kind = types.enum('', { ONE: 0, TWO: 1, SIX: 6 });
  const extended = types.float('long double', 16);
  const other = types.pointer(pair);
  const later = types.pointer(types.forward('later'));
  const rest = types.array(int, 0);
  const self = types.pointer(types.nextId + 1);
  const thing = types.struct('thing', THING_SIZE, [
    { name: 'id', type: int, offset: 0 },
    { name: 'low', type: uint, offset: 4, bitOffset: 0, bitSize: 3 },
    { name: 'signed_bits', type: int, offset: 4, bitOffset: 3, bitSize: 2 },
    { name: 'flags', type: flags, offset: 8 },
    { name: 'state', type: state, offset: 12 },
    { name: 'self', type: self, offset: 16 },
    { name: 'text', type: text, offset: 24 },
    { name: 'name', type: name, offset: 32 },
    { name: 'call', type: handler, offset: 40 },
    { name: 'nothing', type: nothing, offset: 48 },
    { name: '', type: choice, offset: 56 },
    { name: 'grid', type: grid, offset: 64 },
    { name: 'yes', type: bool, offset: 88 },
    { name: 'letter', type: char, offset: 89 },
    { name: 'byte', type: byte, offset: 90 },
    { name: 'huge', type: wide, offset: 96 },
    { name: 'points', type: points, offset: 112 },
    { name: 'ratio', type: double, offset: 128 },
    { name: 'kind', type: kind, offset: 136 },
    { name: 'extended', type: extended, offset: 144 },
    { name: 'hollow', type: hollow, offset: 160 },
    { name: 'other', type: other, offset: 160 },
    { name: 'later', type: later, offset: 168 },
    { name: 'link', type: list, offset: LINK },
    { name: 'rest', type: rest, offset: THING_SIZE },
  ]);
  types.typedef('thing_t', thing);
  types.typedef('number_t', types.typedef('int_t', int));
  types.typedef('endless_t', types.nextId);
}

function addBrokenTypes(types: BtfBuilder): void {
  const int = types.int('int', 4, { signed: true });
  const many = Array.from({ length: 9 }, () => types.nextId);
  types.struct(
    'matryoshka',
    64,
    many.map((id, index) => ({ name: `m${index}`, type: id, offset: index })),
  );
  const nameless = types.nextId;
  types.compound('struct', '', 64, [
    ...many.map(() => ({ name: '', type: nameless, offset: 0 })),
    { name: 'deep', type: int, offset: 4 },
  ]);
  types.struct('nest', 64, [{ name: '', type: nameless, offset: 0 }]);
  const other = types.nextId + 1;
  types.struct('ping', 16, [{ name: '', type: other, offset: 0 }]);
  types.struct('', 16, [
    { name: '', type: other - 1, offset: 0 },
    { name: '', type: other + 1, offset: 0 },
  ]);
  types.struct('', 16, [{ name: 'found', type: int, offset: 0 }]);
  const vast = types.array(types.array(types.array(int, 0xffff_ffff), 0xffff_ffff), 0xffff_ffff);
  types.struct('vast', 0xffff_fff0, [
    { name: 'id', type: int, offset: 0 },
    { name: 'numbers', type: vast, offset: 8 },
  ]);
  types.struct('astray', 8, [{ name: 'beyond', type: int, offset: 0x100_0000 }]);
  types.struct('odd', 8, [{ name: 'number', type: types.int('monster', 0xffff_ffff), offset: 0 }]);
  types.struct('rude\u001b[2J', 8, [{ name: 'na\u001bme', type: int, offset: 0 }]);
}

/** The lines of a command line, or of its error, as a user sees them. */
export function asUser(session: Session, line: string): string[] {
  const parsed = parseLine(line);
  if (parsed.kind !== 'command') return [];
  return [...runCommand(session, invocationOf(parsed.words))].flatMap((result) => [...renderText(result)]);
}

export const NOWHERE = virtAddr(0xffff_8880_7000_0000n);
