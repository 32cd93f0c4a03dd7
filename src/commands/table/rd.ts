/** rd: memory. */

import { addVirt, virtAddr, type VirtAddr } from '../../base/addr.ts';
import { OpenError, UsageError } from '../../base/errors.ts';
import { isUserAddress, userSpace } from '../../kernel/mm.ts';
import {
  fileMemory,
  labelWords,
  physicalMemory,
  readPieces,
  virtualMemory,
  type MemoryDump,
  type MemoryPiece,
  type MemorySource,
} from '../../query/memory-dump.ts';
import type { Result } from '../../query/result.ts';
import { describeSymbol, describeWord, type WordDetail, type WordLabel } from '../../query/word-label.ts';
import type { Command } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import { parsePlaces, type Place } from '../place.ts';
import { parseInteger, parsePhysical, type Session } from '../session.ts';

const units: readonly (readonly [string, number])[] = [
  ['-8', 1],
  ['-16', 2],
  ['-32', 4],
  ['-64', 8],
];
const MOST_BYTES = 1 << 30;
const LONGEST_STRING = 1 << 16;

export const rd: Command = {
  name: 'rd',
  aliases: [],
  summary: 'memory as words',
  synopsis: [
    'rd [-8|-16|-32|-64] [-d|-D|-s|-S|-SS] [-x] [-N] [-R] [-p|-u|-f] [-o offset] address|symbol[:CPUs] [count]',
    'rd ... -e end address|symbol',
    'rd -a [-p|-u|-f] [-o offset] address|symbol [count]',
    'rd -r FILE [-p|-u|-f] [-o offset] [-e end] address|symbol [bytes]',
  ],
  options: [
    { flag: '-8', text: 'bytes' },
    { flag: '-16', text: '16-bit words' },
    { flag: '-32', text: '32-bit words' },
    { flag: '-64', text: '64-bit words (the default)' },
    { flag: '-d', text: 'signed decimal' },
    { flag: '-D', text: 'unsigned decimal' },
    { flag: '-x', text: 'without the text of the bytes' },
    { flag: '-s', text: 'symbols in place of the addresses that have one' },
    { flag: '-S', text: 'as -s, and [cache] for objects of slab caches; twice, [address:cache]' },
    { flag: '-a', text: 'the zero-terminated string there, or with a count what is printable of so many bytes' },
    { flag: '-N', text: 'network byte order, of 16- and 32-bit words; 64-bit words stay as they are' },
    { flag: '-R', text: 'so many words up to the one at the address' },
    { flag: '-p', text: 'the address is physical' },
    { flag: '-u', text: 'the address is of the current task in user mode' },
    { flag: '-f', text: 'the address is an offset in the dump file' },
    { flag: '-m', text: "the address is one of a Xen host's machine: not supported" },
    { flag: '-o', value: 'an offset in bytes', text: 'begin there, from the address on' },
    { flag: '-e', value: 'an address', text: 'stop before this address', mostWords: 1 },
    { flag: '-r', value: 'a file', text: 'write the bytes to a new file' },
  ],
  words: { most: 2 },
  exclusive: [
    ['-8', '-16', '-32', '-64', '-a', '-r'],
    ['-s', '-S', '-8'],
    ['-s', '-S', '-16'],
    ['-s', '-S', '-32'],
    ['-d', '-D', '-s', '-S', '-a', '-r'],
    ['-N', '-s', '-S', '-a', '-r'],
    ['-N', '-8'],
    ['-R', '-a'],
    ['-R', '-e'],
    ['-R', '-r'],
    ['-a', '-e'],
    ['-p', '-u', '-f', '-m'],
  ],
  description: [
    'Prints count words (1 unless told) from an address on: kernel virtual unless the address is one of user space, physical with -p. Addresses are hex, with or without 0x. Every other number, the offset in linux_banner+16 or ffffffff82000000+16 too, is decimal unless it has 0x: 16 or 0x10. Arithmetic goes in parentheses: (linux_banner+0x10*2).',
    'A per-CPU variable is named with its CPUs: runqueues:0, runqueues:1-3, runqueues:a for all.',
    'Memory that cannot be read is told in one line, and what follows it is shown. With -r nothing is written unless all of it can be read, and no file is written over.',
  ],
  examples: [
    { line: 'rd linux_banner 16', text: 'sixteen words from a symbol on' },
    { line: 'rd -a linux_banner', text: 'as a string' },
    { line: 'rd -8 -p 1000 32', text: 'bytes of physical memory' },
    { line: 'rd -SS init_task 32', text: 'with symbols and slab objects' },
    { line: 'rd -R linux_banner 4', text: 'four words, of which the last is there' },
    { line: 'rd __per_cpu_offset -e __per_cpu_offset+16', text: 'up to an address' },
    { line: 'rd runqueues:a 2', text: 'of every CPU' },
  ],
  completes: 'symbol',
  many: true,
  *run(session, args) {
    const [place, countWord] = args.words;
    if (args.has('-m'))
      throw new UsageError("rd: -m is for addresses of a Xen host's machine, and no dump of one can be opened here");
    if (place === undefined) throw new UsageError('rd wants an address or a symbol ("help rd")');
    const count = countWord === undefined ? undefined : parseInteger(countWord);
    if (count !== undefined && !(count > 0))
      throw new UsageError(`rd: ${countWord} is no usable count: it begins at 1`);
    const places: Place[] = args.has('-p')
      ? [{ cpu: undefined, address: parsePhysical(place) }]
      : parsePlaces(session, place);
    for (const { cpu, address } of places) {
      const start = addVirt(address, parseInteger(args.value('-o') ?? '0'));
      const { source, close } = sourceOf(session, args, start);
      try {
        yield* resultsAt(session, args, source, start, count, cpu);
      } finally {
        close();
      }
    }
  },
};

function sourceOf(
  session: Session,
  args: ParsedArguments,
  start: VirtAddr,
): { source: MemorySource; close: () => void } {
  const { kernel } = session;
  const open = (source: MemorySource): { source: MemorySource; close: () => void } => ({ source, close: () => {} });
  if (args.has('-f')) {
    const { host, image } = kernel.target;
    const file = host.open(image.path);
    if (file === undefined) throw new OpenError(`${image.path}: ${host.whyNot(image.path)}`);
    return { source: fileMemory(file), close: () => file.close() };
  }
  if (args.has('-p')) return open(physicalMemory(kernel.target.physical));
  const user = isUserAddress(kernel, start);
  if (args.has('-u') && !user)
    throw new UsageError(`rd: ${start.toString(16)} is no address of user space: read the kernel's without -u`);
  return open(virtualMemory(user ? userSpace(kernel, session.current) : kernel.memory));
}

function* resultsAt(
  session: Session,
  args: ParsedArguments,
  source: MemorySource,
  place: VirtAddr,
  count: number | undefined,
  cpu: number | undefined,
): Generator<Result> {
  const unit = units.find(([flag]) => args.has(flag))?.[1] ?? (args.has('-a') || args.has('-r') ? 1 : 8);
  const endWord = args.value('-e');
  const file = args.value('-r');
  if (args.has('-a') && count === undefined) {
    yield dumpOf(args, source, cpu, 1, stringAt(source, place), 'string', new Map());
    return;
  }
  if (file !== undefined && endWord === undefined && count === undefined)
    throw new UsageError('rd: -r wants a count of bytes, or -e with where to stop');
  const start = args.has('-R') ? addVirt(place, -unit * ((count ?? 1) - 1)) : place;
  const length =
    endWord === undefined ? unit * (count ?? 1) : lengthTo(start, endOf(session, args, endWord), endWord, unit);
  if (length > MOST_BYTES) throw new UsageError(`rd: ${length} bytes are too many: ${MOST_BYTES} at once at most`);
  // Of what begins nowhere there is nothing to show.
  source.readInto(start, new Uint8Array(Math.min(unit, length)));
  if (file !== undefined) {
    const bytes = new Uint8Array(length);
    source.readInto(start, bytes);
    yield { type: 'raw-memory', address: start, path: file, bytes };
    return;
  }
  let cpuOfPiece = cpu;
  for (const piece of readPieces(source, start, length, unit)) {
    const labels = labelsOf(session, args, piece.bytes);
    yield dumpOf(args, source, cpuOfPiece, unit, piece, formatOf(args), labels);
    cpuOfPiece = undefined;
  }
}

function endOf(session: Session, args: ParsedArguments, word: string): VirtAddr {
  return args.has('-p') ? parsePhysical(word) : session.address(word);
}

/** Whole units up to an address. */
function lengthTo(start: VirtAddr, end: VirtAddr, word: string, unit: number): number {
  if (end <= start) throw new UsageError(`rd: ${word} is not behind the address that is begun with`);
  const bytes = end - start;
  if (bytes < unit) throw new UsageError(`rd: up to ${word} there is not one whole unit of ${unit} bytes`);
  return Number(bytes - (bytes % BigInt(unit)));
}

function formatOf(args: ParsedArguments): MemoryDump['format'] {
  if (args.has('-a')) return 'text';
  if (args.has('-s') || args.has('-S')) return 'symbol';
  return args.has('-d') ? 'decimal' : args.has('-D') ? 'unsigned' : 'hex';
}

function labelsOf({ kernel }: Session, args: ParsedArguments, bytes: Uint8Array): ReadonlyMap<number, WordLabel> {
  if (args.has('-S')) return labelWords(bytes, (value) => describeWord(kernel, value, detailOf(args)));
  if (!args.has('-s')) return new Map();
  return labelWords(bytes, (value) => describeSymbol(kernel, value) ?? { kind: 'number', value });
}

function detailOf(args: ParsedArguments): WordDetail {
  return args.count('-S') > 1 ? 2 : 1;
}

function dumpOf(
  args: ParsedArguments,
  source: MemorySource,
  cpu: number | undefined,
  unit: number,
  piece: MemoryPiece,
  format: MemoryDump['format'],
  labels: ReadonlyMap<number, WordLabel>,
): MemoryDump {
  return {
    type: 'memory',
    cpu,
    ...piece,
    space: source.space,
    unit,
    format,
    ascii: format === 'hex' && !args.has('-x'),
    swapped: args.has('-N') && unit < 8,
    labels,
    detail: detailOf(args),
  };
}

/** Up to its zero, or as far as memory and patience reach. */
function stringAt(source: MemorySource, address: VirtAddr): MemoryPiece {
  source.readInto(address, new Uint8Array(1));
  const parts: number[] = [];
  for (let at = address; parts.length < LONGEST_STRING; at = addVirt(at, 256)) {
    const [piece] = readPieces(source, virtAddr(at), 256, 1);
    if (piece === undefined) break;
    const end = piece.bytes.indexOf(0);
    parts.push(...(end < 0 ? piece.bytes : piece.bytes.subarray(0, end)));
    if (end >= 0) break;
    if (piece.hole !== undefined) return { address, bytes: Uint8Array.from(parts), hole: piece.hole };
  }
  return { address, bytes: Uint8Array.from(parts), hole: undefined };
}
