/** Code by itself, as a CodeView: functions one after the other, with the lines that a test gives them. */

import { addVirt, virtAddr, type VirtAddr } from '../../src/base/addr.ts';
import { FaultError } from '../../src/base/errors.ts';
import type { CodeFrame, CodeView } from '../../src/query/code-view.ts';
import type { FunctionSource } from '../../src/query/function-lines.ts';

export const CODE_START = virtAddr(0xffffffff81000000n);

export interface BuiltFunction {
  readonly name: string;
  /** Hex, with spaces. */
  readonly bytes: string;
  /** What the symbol says; the number of the bytes unless told. */
  readonly size?: number;
  readonly module?: string;
}

export interface CodeOptions {
  readonly asBuilt?: boolean;
  /** From this address on the bytes are not from the dump. */
  readonly substituteFrom?: VirtAddr;
  readonly frames?: (address: VirtAddr) => readonly CodeFrame[];
  readonly unreadable?: boolean;
}

export function buildCode(functions: readonly BuiltFunction[], options: CodeOptions = {}): CodeView & FunctionSource {
  const all = functions.flatMap(({ bytes }) => bytes.split(' ').map((byte) => parseInt(byte, 16)));
  let next = CODE_START;
  const placed = functions.map(({ name, bytes, size, module }) => {
    const start = next;
    const length = bytes.split(' ').length;
    next = addVirt(start, length);
    const symbol = { name, address: start, size: size ?? length, letter: 't', module };
    return { symbol, start, end: addVirt(start, size ?? length), until: next };
  });
  const holder = (address: VirtAddr): (typeof placed)[number] | undefined =>
    placed.findLast(({ start, until }) => address >= start && address < until);
  const frames = options.frames ?? ((): CodeFrame[] => []);
  const view: CodeView = {
    architecture: 'x86_64',
    asBuilt: options.asBuilt === true,
    read: (address, length) => {
      const from = Number(address - CODE_START);
      if (options.unreadable === true || from < 0 || from >= all.length)
        throw new FaultError('kernel virtual', address, 'not-mapped');
      const bytes = Uint8Array.from(all.slice(from, from + length));
      const fault = bytes.length < length ? 'the code ends' : undefined;
      const cut = options.substituteFrom === undefined ? bytes.length : Number(options.substituteFrom - address);
      const pieces = [
        { address, bytes: bytes.subarray(0, cut), substitute: undefined, slide: 0n },
        { address: addVirt(address, cut), bytes: bytes.subarray(cut), substitute: 'bytes from vmlinux', slide: 0n },
      ];
      return { pieces: pieces.filter((piece) => piece.bytes.length > 0), fault };
    },
    rangeAt: holder,
    endsAt: (start) => {
      const until = holder(start)?.until;
      return until === undefined ? [] : [until];
    },
    labelAt: (address) => {
      const found = holder(address);
      return found && { name: found.symbol.name, offset: Number(address - found.start), module: found.symbol.module };
    },
    perCpuLabelAt: (address) =>
      address === 0x20n ? { name: 'current_task', offset: 0, module: undefined } : undefined,
    linesAt: (address) => ({ frames: frames(address), missing: undefined }),
  };
  return {
    ...view,
    view,
    what: 'the built code',
    named: (name, module) =>
      placed
        .filter(({ symbol }) => symbol.name === name && (module === undefined || symbol.module === module))
        .map(({ start }) => start),
    names: () => placed.map(({ symbol }) => symbol.name),
  };
}
