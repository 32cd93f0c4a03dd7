/**
 * The header of a compressed kdump: makedumpfile's IMPLEMENTATION and diskdump_mod.h (struct disk_dump_header,
 * struct kdump_sub_header), as 64-bit machines lay them out. QEMU's dump/dump.c writes the same.
 *
 * Invariants: of the sub header only the fields that its version has are read; the rest of its block may hold anything.
 * What is returned lies within what a file can hold, not necessarily within this file.
 */

import { FormatError } from '../../base/errors.ts';
import { readUpTo, type ByteSource } from '../../bytes/byte-source.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { fixedString } from '../../bytes/read.ts';

export const STATUS_INCOMPLETE = 0x8;
export const STATUS_EXCLUDED_VMEMMAP = 0x10;

const HEADER_SIZE = 464;
const SUB_HEADER_SIZE = 104;
const NAME_LENGTH = 65;
const STATUS_OFFSET = 424;
const NEWEST_VERSION = 6;
const LARGEST_BLOCK = 1 << 20;
const SMALLEST_BLOCK = 512;
/** 52 bits of physical address. */
const MOST_BYTES = 2 ** 52;

/** A part of the file. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
}

/** Page frames: [start, end). Of a dump with few pages the last parts have none. */
export interface FrameRange {
  readonly start: number;
  readonly end: number;
}

export interface KdumpHeader {
  readonly version: number;
  /** Of struct new_utsname: what the dump is of. */
  readonly release: string;
  readonly machine: string;
  readonly status: number;
  /** In bytes: of a block of the file, and of a page of memory. */
  readonly blockSize: number;
  /** One more than the last frame there is. */
  readonly frames: number;
  /** Of one of the bitmaps, in bytes. */
  readonly bitmapSize: number;
  /** Frames that are memory. */
  readonly memoryBitmap: number;
  /** Frames whose page is in the dump. The same bitmap where the file has but one. */
  readonly dumpedBitmap: number;
  readonly descriptors: number;
  readonly physBase: bigint | undefined;
  /** What makedumpfile -d was told; 0 is "leave nothing out". */
  readonly dumpLevel: number;
  /** Of a split dump: the frames whose pages are in this file. */
  readonly split: FrameRange | undefined;
  readonly vmcoreinfo: Extent | undefined;
  readonly notes: Extent | undefined;
  /** What the parts of one split dump have in common. */
  readonly identity: string;
}

/** @throws FormatError where this cannot be the header of any dump */
export function readKdumpHeader(source: ByteSource): KdumpHeader {
  const bytes = readUpTo(source, 0, HEADER_SIZE);
  if (bytes.length < HEADER_SIZE) throw new FormatError(source.name, 'is cut off: it ends inside its kdump header');
  const cursor = new Cursor(bytes, `${source.name}: kdump header`);
  const signature = fixedString(cursor.take(8)).trimEnd();
  const version = cursor.u32();
  const [, , release, kernel, machine] = Array.from({ length: 6 }, () => fixedString(cursor.take(NAME_LENGTH)));
  if (version > 0xffff)
    throw new FormatError(source.name, 'is a kdump of a big-endian machine, which is not supported');
  if (version > NEWEST_VERSION)
    throw new FormatError(source.name, `is a kdump of header version ${version}; known are 0 to ${NEWEST_VERSION}`);
  cursor.position = STATUS_OFFSET;
  const status = cursor.u32();
  const blockSize = cursor.u32();
  const subHeaderBlocks = cursor.u32();
  const bitmapBlocks = cursor.u32();
  const shortFrames = cursor.u32();
  if (!(blockSize >= SMALLEST_BLOCK && blockSize <= LARGEST_BLOCK && (blockSize & (blockSize - 1)) === 0)) {
    throw new FormatError(
      source.name,
      `is a kdump of a ${machine === undefined || machine === '' ? 'nameless' : machine} machine with blocks of ${blockSize} bytes: the header is damaged, or laid out for 32 bits, which is not supported`,
    );
  }

  const sub = readSubHeader(source, blockSize, subHeaderBlocks * blockSize, signature === 'KDUMP' ? version : 0);
  const frames = sub.frames ?? shortFrames;
  if (frames === 0) throw new FormatError(source.name, 'is a kdump of no memory (max_mapnr is 0)');
  if (frames * blockSize > MOST_BYTES)
    throw new FormatError(source.name, `claims ${frames} page frames, more memory than a machine can have`);
  const bitmaps = (1 + subHeaderBlocks) * blockSize;
  const needed = Math.ceil(Math.ceil(frames / 8) / blockSize) * blockSize;
  const two = bitmapBlocks * blockSize >= 2 * needed;
  const bitmapSize = two ? Math.floor(bitmapBlocks / 2) * blockSize : bitmapBlocks * blockSize;
  if (bitmapSize < needed)
    throw new FormatError(source.name, `has a page bitmap of ${bitmapSize} bytes where ${needed} are needed`);
  return {
    version,
    release: release ?? '',
    machine: machine ?? '',
    status,
    blockSize,
    frames,
    bitmapSize,
    memoryBitmap: bitmaps,
    dumpedBitmap: two ? bitmaps + bitmapSize : bitmaps,
    descriptors: bitmaps + bitmapBlocks * blockSize,
    physBase: signature === 'KDUMP' ? sub.physBase : undefined,
    dumpLevel: sub.dumpLevel,
    split: sub.split,
    vmcoreinfo: sub.vmcoreinfo,
    notes: sub.notes,
    identity: [signature, version, release, kernel, machine, blockSize, frames, bitmapBlocks, sub.dumpLevel].join('\n'),
  };
}

interface SubHeader {
  readonly physBase: bigint;
  readonly dumpLevel: number;
  readonly split: FrameRange | undefined;
  readonly vmcoreinfo: Extent | undefined;
  readonly notes: Extent | undefined;
  readonly frames: number | undefined;
}

function readSubHeader(source: ByteSource, offset: number, size: number, version: number): SubHeader {
  const bytes = new Uint8Array(SUB_HEADER_SIZE);
  const wanted = Math.min(size, SUB_HEADER_SIZE);
  if (source.readInto(offset, bytes.subarray(0, wanted)) < wanted)
    throw new FormatError(source.name, 'is cut off: it ends inside its kdump sub header');
  const cursor = new Cursor(bytes, `${source.name}: kdump sub header`);
  const physBase = BigInt.asIntN(64, cursor.u64());
  const dumpLevel = cursor.u32();
  const isSplit = cursor.u32() !== 0;
  const start = cursor.u64();
  const end = cursor.u64();
  const vmcoreinfo = extent(cursor);
  const notes = extent(cursor);
  cursor.skip(16);
  const wide = { start: cursor.u64(), end: cursor.u64(), frames: cursor.u64() };
  const isWide = version >= 6;
  return {
    physBase,
    dumpLevel: version >= 1 ? dumpLevel : 0,
    split:
      version >= 2 && isSplit ? frameRange(source, isWide ? wide.start : start, isWide ? wide.end : end) : undefined,
    vmcoreinfo: version >= 3 ? vmcoreinfo : undefined,
    notes: version >= 4 ? notes : undefined,
    frames: isWide ? Number(wide.frames) : undefined,
  };
}

function extent(cursor: Cursor): Extent | undefined {
  const offset = Number(cursor.u64());
  const size = Number(cursor.u64());
  return offset > 0 && size > 0 && Number.isSafeInteger(offset + size) ? { offset, size } : undefined;
}

function frameRange(source: ByteSource, start: bigint, end: bigint): FrameRange {
  if (end < start || end > BigInt(MOST_BYTES))
    throw new FormatError(
      source.name,
      `is a part of a split dump with page frames ${start} to ${end}, which is damage`,
    );
  return { start: Number(start), end: Number(end) };
}
