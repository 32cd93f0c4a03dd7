/** dis: machine code and its source. */

import { addVirt, type VirtAddr } from '../../base/addr.ts';
import { LookupError, UsageError } from '../../base/errors.ts';
import { nearestNames } from '../../base/suggest.ts';
import { isUserAddress } from '../../kernel/mm.ts';
import { kernelCode, userCode, type CodeView } from '../../query/code-view.ts';
import { currentPlaces } from '../../query/current-places.ts';
import { disassemble, type DisassemblyRequest } from '../../query/disassembly.ts';
import { parseOffset } from '../../query/symbol-lookup.ts';
import { listSource } from '../../query/source-listing.ts';
import { freedInitCode } from '../../query/freed-code.ts';
import type { Command } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import { parseHex, type Session } from '../session.ts';

const MOST_INSTRUCTIONS = 1 << 20;
const MOST_BUG_BYTES = 64;

interface Place {
  readonly view: CodeView;
  readonly address: VirtAddr;
  /** The word names a function, not an address in it. */
  readonly isFunction: boolean;
}

export const dis: Command = {
  name: 'dis',
  aliases: [],
  summary: 'machine code, or the source of it',
  synopsis: [
    'dis [-r | -f] [-l] [-x | -d] [-b bytes] symbol[+offset] | address [count]',
    'dis -u [-x | -d] address [count]',
    'dis -s symbol[+offset] | address [count]',
    'dis -b',
  ],
  options: [
    { flag: '-r', text: 'from the start of the function to the address' },
    { flag: '-f', text: 'from the address to the end of the function' },
    { flag: '-l', text: 'with file and line, and every function it was inlined into, wherever they change' },
    { flag: '-s', text: 'the source (see --src) with the line marked, count lines behind it' },
    { flag: '-u', text: 'the address is of the current task in user mode' },
    { flag: '-x', text: 'offsets in hexadecimal' },
    { flag: '-d', text: 'offsets in decimal' },
    { flag: '-b', value: 'bytes', lone: true, text: 'how many bytes behind a ud2 are no code; alone: tells it' },
  ],
  words: { most: 2 },
  exclusive: [
    ['-r', '-f', '-s'],
    ['-x', '-d'],
    ['-u', '-r'],
    ['-u', '-f'],
    ['-u', '-s'],
    ['-u', '-l'],
  ],
  description: [
    'Prints instructions as they are in the dump, in the text of objdump: one, or count of them; of a symbol without an offset the whole function. Targets of calls and jumps, and variables, are named; variables of the per-CPU area, which code reaches by %gs, with "(per-cpu)".',
    'A line that ends with "<==" is where the current task is: at the instruction that was interrupted, or in a call that has not returned.',
    'Code that the kernel has freed (.init.text), and code whose page is not in the dump, is taken from the debug file; a line before it says so.',
    'The offset behind a + is decimal unless it has 0x.',
  ],
  examples: [
    { line: 'dis schedule 5', text: 'five instructions' },
    { line: 'dis -lr vfs_write+0x2c5', text: 'how the function came there, with lines' },
    { line: 'dis -rx ffffffff8214d605', text: 'the same by address, with hexadecimal offsets' },
    { line: 'dis -s vfs_write', text: 'its source' },
  ],
  completes: 'symbol',
  many: false,
  *run(session, args) {
    const [word, countWord] = args.words;
    setBugBytes(session, args.value('-b'));
    if (word === undefined) {
      if (!args.has('-b')) throw new UsageError('dis wants a symbol or an address ("help dis")');
      yield { type: 'text', lines: [`encoded bytes being skipped after ud2a: ${session.bugBytes}`] };
      return;
    }
    const count = countWord === undefined ? undefined : parseCount(countWord);
    const { view, address, isFunction } = placeOf(session, args, word);
    if (args.has('-s')) {
      yield listSource(view, session.kernel.target.sources, address, count);
      return;
    }
    const whole = isFunction && count === undefined;
    yield disassemble(view, {
      address,
      extent: extentOf(args, whole),
      count,
      mayBeReturn: parseHex(word) !== undefined,
      radix: args.has('-x') || (session.radix === 16 && !args.has('-d')) ? 16 : 10,
      lines: args.has('-l'),
      symbols: !args.has('-u'),
      bugBytes: session.bugBytes,
      places: args.has('-u') ? undefined : currentPlaces(session.kernel, session.unwinder(), session.current),
    });
  },
};

function extentOf(args: ParsedArguments, whole: boolean): DisassemblyRequest['extent'] {
  if (args.has('-r')) return 'reverse';
  if (args.has('-f')) return 'forward';
  return whole ? 'function' : 'from';
}

function placeOf(session: Session, args: ParsedArguments, word: string): Place {
  const { kernel } = session;
  if (args.has('-u')) {
    const address = parseHex(word);
    if (address === undefined) throw new UsageError(`${word} is no address of user mode (hexadecimal)`);
    if (!isUserAddress(kernel, address)) throw new UsageError(`${word} is an address of the kernel: leave out -u`);
    return { view: userCode(kernel, session.current), address, isFunction: false };
  }
  const view = kernelCode(kernel);
  const name = /^[A-Za-z_.$][\w.$]*/.exec(word.replace(/^\(/, ''))?.[0];
  const named = name === undefined || parseHex(word) !== undefined ? [] : functionsNamed(session, name);
  if (named.length > 1) throw new UsageError(ambiguous(session, name ?? word, named));
  if (name !== undefined && parseHex(word) === undefined && kernel.symbols.named(name).length === 0) {
    const freed = freedInitCode(kernel, name);
    const offset = freed === undefined ? undefined : offsetBehind(name, word);
    if (freed !== undefined && offset !== undefined) {
      const address = addVirt(freed.address, offset);
      refuseOtherFunction(freed.view, word, freed.address, address);
      return { view: freed.view, address, isFunction: offset === 0n };
    }
    throw new LookupError('symbol', name, nearestNames(name, namesOf(session)));
  }
  const address = session.address(word);
  if (isUserAddress(kernel, address))
    throw new UsageError(`${word} is no address of the kernel (of user mode: dis -u)`);
  const start = name === undefined ? undefined : kernel.symbols.named(name)[0]?.address;
  if (start !== undefined && word.includes('+') && kernel.symbols.isText(start))
    refuseOtherFunction(view, word, start, address);
  const found = kernel.symbols.at(address);
  return { view, address, isFunction: found?.offset === 0 && kernel.symbols.isText(address) };
}

/** What a word adds to the name it begins with; undefined where it is something else. */
function offsetBehind(name: string, word: string): bigint | undefined {
  const rest = word.replace(/^\((.*)\)$/, '$1').slice(name.length);
  return rest === '' ? 0n : rest.startsWith('+') ? parseOffset(rest.slice(1)) : undefined;
}

function functionsNamed(session: Session, name: string): VirtAddr[] {
  const { symbols } = session.kernel;
  const addresses = symbols.named(name).map(({ address }) => address);
  return Array.from(new Set(addresses)).filter((address) => symbols.isText(address));
}

function ambiguous(session: Session, name: string, addresses: readonly VirtAddr[]): string {
  const view = kernelCode(session.kernel);
  return [
    `${name}: ${addresses.length} functions bear this name; say which by its address:`,
    ...addresses.map((address) => {
      const range = view.rangeAt(address);
      const source = view.linesAt(address).frames.at(-1)?.source;
      const module = range?.symbol.module === undefined ? '' : ` [${range.symbol.module}]`;
      const size = range === undefined ? '' : `  size 0x${(range.end - range.start).toString(16)}`;
      const line = source === undefined ? '' : `  ${source.file}: ${source.line}`;
      return `  ${address.toString(16)}${module}${size}${line}`;
    }),
  ].join('\n');
}

/** A wrong offset leads into another function, which nobody asked for. */
function refuseOtherFunction(view: CodeView, word: string, start: VirtAddr, address: VirtAddr): void {
  const range = view.rangeAt(start);
  if (range === undefined || address < range.end) return;
  const size = `0x${(range.end - range.start).toString(16)}`;
  const there = view.labelAt(address);
  const label = there === undefined ? '' : `: it is ${there.name}+${there.offset}`;
  throw new UsageError(`${word} is behind the end of ${range.symbol.name} (size ${size})${label}`);
}

function* namesOf(session: Session): Generator<string> {
  for (const symbol of session.kernel.symbols.all()) yield symbol.name;
}

function setBugBytes(session: Session, value: string | undefined): void {
  if (value === undefined || value === '') return;
  const bytes = /^\d+$/.test(value) ? Number(value) : Infinity;
  if (bytes > MOST_BUG_BYTES) throw new UsageError(`dis: -b ${value} is no number of bytes (0 to ${MOST_BUG_BYTES})`);
  session.bugBytes = bytes;
}

function parseCount(word: string): number {
  const count = /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : 0;
  if (count < 1 || count > MOST_INSTRUCTIONS)
    throw new UsageError(`dis: ${word} is no usable count (1 to ${MOST_INSTRUCTIONS})`);
  return count;
}
