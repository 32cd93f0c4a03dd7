/**
 * The kernel's code as it ran: the bytes in the dump. Where the dump has them no longer or not at all (init text that
 * was freed, pages left out), the bytes are vmlinux's, and marked: the kernel patches its code when it starts.
 */

import { addVirt, alignDown, PAGE_SIZE, type VirtAddr } from '../base/addr.ts';
import { attempt, FaultError, isExpected } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';

export interface CodePiece {
  readonly address: VirtAddr;
  readonly bytes: Uint8Array;
  /** Why they are not from the dump, and what they lack; undefined where they are. */
  readonly substitute: string | undefined;
  /** How far above its link-time address the code ran, as long as the bytes do not know. */
  readonly slide: bigint;
}

export interface Code {
  /** One after the other, without gaps. */
  readonly pieces: readonly CodePiece[];
  /** What cut it short; undefined where all was read. */
  readonly fault: string | undefined;
}

/** What the kernel does to its code, and files do not have. */
export const NOT_PATCHED = 'alternatives, static calls and tracing are not applied';

/** @throws FaultError where not even the first byte can be had */
export function readCode(kernel: Kernel, address: VirtAddr, length: number): Code {
  return readPages(address, length, (at, size) => readPiece(kernel, at, size));
}

/**
 * Code page by page, as far as there is any.
 * @param read throws FaultError where there is none
 */
export function readPages(
  address: VirtAddr,
  length: number,
  read: (address: VirtAddr, length: number) => CodePiece,
): Code {
  const pieces: CodePiece[] = [];
  for (let done = 0; done < length;) {
    const at = addVirt(address, done);
    const size = Math.min(length - done, PAGE_SIZE - Number(at - alignDown(at, PAGE_SIZE)));
    try {
      const piece = read(at, size);
      const last = pieces.at(-1);
      if (last !== undefined && last.substitute === piece.substitute) pieces[pieces.length - 1] = joined(last, piece);
      else pieces.push(piece);
    } catch (error) {
      if (!isExpected(error) || pieces.length === 0) throw error;
      return { pieces, fault: error.message };
    }
    done += size;
  }
  return { pieces, fault: undefined };
}

/** The bytes of all pieces together. */
export function bytesOf(pieces: readonly CodePiece[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.bytes.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece.bytes, at);
    at += piece.bytes.length;
  }
  return bytes;
}

function readPiece(kernel: Kernel, address: VirtAddr, length: number): CodePiece {
  if (kernel.symbols.isInitText(address) && isInitFreed(kernel))
    return pieceOfFile(kernel, address, length, '.init.text is freed when the kernel has started');
  try {
    return { address, bytes: kernel.memory.bytes(address, length), substitute: undefined, slide: 0n };
  } catch (error) {
    if (!(error instanceof FaultError) || !kernel.symbols.isKernelText(address)) throw error;
    const piece = attempt(() => pieceOfFile(kernel, address, length, error.message));
    if (piece === undefined) throw error;
    return piece;
  }
}

function pieceOfFile(kernel: Kernel, address: VirtAddr, length: number, why: string): CodePiece {
  const { vmlinux, load } = kernel.target;
  const moved =
    load.slide === 0n
      ? ''
      : `; absolute addresses in operands are as linked, 0x${load.slide.toString(16)} below those of the dump`;
  return {
    address,
    bytes: bytesOfFile(kernel, address, length),
    substitute: `bytes from ${vmlinux.name}: ${why}; ${NOT_PATCHED}${moved}`,
    slide: load.slide,
  };
}

function bytesOfFile(kernel: Kernel, address: VirtAddr, length: number): Uint8Array {
  const bytes = kernel.target.vmlinux.bytesAt(kernel.linked(address), length);
  if (bytes === undefined || bytes.length < length) throw new FaultError('file', kernel.linked(address), 'not-in-dump');
  return bytes;
}

/** SYSTEM_FREEING_INITMEM and every later system_state: include/linux/kernel.h. */
const FIRST_FREED_STATE = 2;

function isInitFreed(kernel: Kernel): boolean {
  const state = kernel.addressOf('system_state');
  const value = state === undefined ? undefined : attempt(() => kernel.memory.u32(state));
  return value === undefined || value >= FIRST_FREED_STATE;
}

function joined(first: CodePiece, second: CodePiece): CodePiece {
  return { ...first, bytes: bytesOf([first, second]) };
}
