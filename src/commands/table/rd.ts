/** rd: memory. */

import { addVirt, type VirtAddr } from '../../base/addr.ts';
import { UsageError } from '../../base/errors.ts';
import { isUserAddress, userSpace } from '../../kernel/mm.ts';
import {
  labelWords,
  physicalMemory,
  readMemory,
  virtualMemory,
  type MemoryDump,
  type MemorySource,
} from '../../query/memory-dump.ts';
import type { Command } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import { parseHex, type Session } from '../session.ts';

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
    'rd [-8|-16|-32|-64] [-d|-D|-s] [-x] [-p|-u] [-o offset] address|symbol [count]',
    'rd ... -e end address|symbol',
    'rd -a [-p|-u] [-o offset] address|symbol',
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
    { flag: '-a', text: 'the zero-terminated string there', mostWords: 1 },
    { flag: '-p', text: 'the address is physical' },
    { flag: '-u', text: 'the address is of the current task in user mode' },
    { flag: '-o', value: 'an offset in bytes', text: 'begin there, from the address on' },
    { flag: '-e', value: 'an address', text: 'stop before this address', mostWords: 1 },
  ],
  words: { most: 2 },
  exclusive: [
    ['-8', '-16', '-32', '-64', '-a'],
    ['-s', '-8', '-16', '-32'],
    ['-d', '-D', '-s', '-a'],
    ['-a', '-e'],
    ['-p', '-u'],
  ],
  description: [
    'Prints count words (1 unless told) from an address on: kernel virtual unless the address is one of user space, physical with -p. Addresses are hex, with or without 0x. Every other number, the offset in linux_banner+16 or ffffffff82000000+16 too, is decimal unless it has 0x: 16 or 0x10.',
  ],
  examples: [
    { line: 'rd linux_banner 16', text: 'sixteen words from a symbol on' },
    { line: 'rd -a linux_banner', text: 'as a string' },
    { line: 'rd -8 -p 1000 32', text: 'bytes of physical memory' },
  ],
  completes: 'symbol',
  many: false,
  *run(session, args) {
    const [place, countWord] = args.words;
    if (place === undefined) throw new UsageError('rd wants an address or a symbol ("help rd")');
    const offset = args.value('-o');
    const start = addVirt(
      args.has('-p') ? physicalAddress(place) : session.address(place),
      offset === undefined ? 0 : integer(offset),
    );
    const source = sourceOf(session, args, start);
    if (args.has('-a')) {
      yield readString(source, start);
      return;
    }
    const unit = units.find(([flag]) => args.has(flag))?.[1] ?? 8;
    const end = args.value('-e');
    const length =
      end === undefined
        ? unit * (countWord === undefined ? 1 : integer(countWord))
        : Number(session.address(end) - start);
    if (length <= 0 || length > MOST_BYTES)
      throw new UsageError(`rd: ${countWord ?? end ?? ''} is no usable count (1 to ${MOST_BYTES / unit})`);
    const { bytes, fault } = readMemory(source, start, length);
    const format = args.has('-s') ? 'symbol' : args.has('-d') ? 'decimal' : args.has('-D') ? 'unsigned' : 'hex';
    yield {
      type: 'memory',
      address: start,
      physical: source.physical,
      unit,
      format,
      ascii: format === 'hex' && !args.has('-x'),
      bytes,
      fault,
      labels: format === 'symbol' ? labelWords(bytes, (value) => session.kernel.symbols.label(value)) : new Map(),
    };
  },
};

function sourceOf(session: Session, args: ParsedArguments, start: VirtAddr): MemorySource {
  if (args.has('-p')) return physicalMemory(session.kernel.target.physical);
  const user = args.has('-u') || isUserAddress(session.kernel, start);
  return virtualMemory(user ? userSpace(session.kernel, session.current) : session.kernel.memory);
}

function readString(source: MemorySource, start: VirtAddr): MemoryDump {
  const parts: number[] = [];
  let fault: string | undefined;
  for (let at = start; parts.length < LONGEST_STRING; at = addVirt(at, 256)) {
    const chunk = readMemory(source, at, 256);
    const end = chunk.bytes.indexOf(0);
    parts.push(...(end < 0 ? chunk.bytes : chunk.bytes.subarray(0, end)));
    fault = end < 0 ? chunk.fault : undefined;
    if (end >= 0 || chunk.fault !== undefined) break;
  }
  const bytes = Uint8Array.from(parts);
  return {
    type: 'memory',
    address: start,
    physical: source.physical,
    unit: 1,
    format: 'string',
    ascii: false,
    bytes,
    fault,
    labels: new Map(),
  };
}

function physicalAddress(word: string): VirtAddr {
  const address = parseHex(word);
  if (address === undefined || address >= 1n << 52n)
    throw new UsageError(`${word} is no physical address (hex, below 2^52)`);
  return address;
}

function integer(word: string): number {
  if (!/^-?(0x[0-9a-f]+|\d+)$/i.test(word)) throw new UsageError(`${word} is no number`);
  return Number(word);
}
