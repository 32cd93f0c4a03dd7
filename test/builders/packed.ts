/** Packed data as kernels have it, by the simplest packers there are: enough to reach every way through an unpacker. */

import { ByteWriter, encode } from './byte-writer.ts';

const LONGEST_DISTANCE = 0xffff;
const SHORTEST_MATCH = 4;

/** An LZ4 legacy frame in blocks of so many bytes. */
export function packLz4Legacy(bytes: Uint8Array, blockSize: number): Uint8Array {
  const writer = new ByteWriter().u32(0x184c2102);
  for (let start = 0; start < bytes.length; start += blockSize) {
    const block = packLz4Block(bytes.subarray(start, start + blockSize));
    writer.u32(block.length).bytes(block);
  }
  return writer.build();
}

function packLz4Block(bytes: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  const seen = new Map<string, number>();
  let literalsFrom = 0;
  let at = 0;
  const sequence = (match: { distance: number; length: number } | undefined): void => {
    const literals = bytes.subarray(literalsFrom, at);
    const extra = (match?.length ?? SHORTEST_MATCH) - SHORTEST_MATCH;
    writer.u8((Math.min(literals.length, 15) << 4) | (match === undefined ? 0 : Math.min(extra, 15)));
    more(writer, literals.length);
    writer.bytes(literals);
    if (match === undefined) return;
    writer.u16(match.distance);
    more(writer, extra);
  };
  // A block ends with literals: the last five bytes are never part of a match.
  while (at + SHORTEST_MATCH + 5 <= bytes.length) {
    const key = bytes.subarray(at, at + SHORTEST_MATCH).join();
    const before = seen.get(key);
    seen.set(key, at);
    if (before === undefined || at - before > LONGEST_DISTANCE) {
      at++;
      continue;
    }
    let length = SHORTEST_MATCH;
    while (at + length + 5 < bytes.length && bytes[at + length] === bytes[before + length]) length++;
    sequence({ distance: at - before, length });
    at += length;
    literalsFrom = at;
  }
  at = bytes.length;
  sequence(undefined);
  return writer.build();
}

function more(writer: ByteWriter, length: number): void {
  if (length < 15) return;
  let left = length - 15;
  for (; left >= 255; left -= 255) writer.u8(255);
  writer.u8(left);
}

export interface LzopOptions {
  readonly version: number;
  readonly flags: number;
  readonly name?: string;
}

/** What lzop writes. Blocks of one repeated byte are packed, others stored. */
export function packLzop(bytes: Uint8Array, blockSize: number, { version, flags, name = '' }: LzopOptions): Uint8Array {
  const writer = new ByteWriter();
  const big = (value: number, size: number): ByteWriter => {
    for (let byte = size - 1; byte >= 0; byte--) writer.u8(Math.floor(value / 2 ** (8 * byte)) & 0xff);
    return writer;
  };
  const isLong = version >= 0x0940;
  writer.bytes([0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a]);
  big(version, 2);
  big(0x20a0, 2);
  if (isLong) big(version, 2);
  writer.u8(1);
  if (isLong) writer.u8(5);
  big(flags, 4);
  if ((flags & 0x800) !== 0) big(1, 4);
  big(0o100644, 4);
  big(0, isLong ? 8 : 4);
  writer.u8(name.length).bytes(encode(name));
  big(0, 4);
  for (let start = 0; start < bytes.length; start += blockSize) {
    const block = bytes.subarray(start, start + blockSize);
    const packed = packRun(block) ?? block;
    big(block.length, 4);
    big(packed.length, 4);
    for (const flag of [0x1, 0x100]) if ((flags & flag) !== 0) big(0, 4);
    if (packed.length < block.length) for (const flag of [0x2, 0x200]) if ((flags & flag) !== 0) big(0, 4);
    writer.bytes(packed);
  }
  big(0, 4);
  return writer.build();
}

/** LZO1X of one byte repeated: four literals, a match of distance one, the end. Undefined for other bytes. */
function packRun(bytes: Uint8Array): Uint8Array | undefined {
  const [first] = bytes;
  if (first === undefined || bytes.length < 300 || bytes.some((byte) => byte !== first)) return undefined;
  const writer = new ByteWriter().u8(17 + 4);
  for (let literal = 0; literal < 4; literal++) writer.u8(first);
  // 001LLLLL: a length that does not fit is 31 + 255 for each zero + a last byte, and 2 more; then the distance less one.
  let left = bytes.length - 4 - 2 - 31;
  writer.u8(0x20);
  for (; left > 255; left -= 255) writer.u8(0);
  writer.u8(left).u16(0);
  return writer.u8(0x11).u16(0).build();
}

export interface BzImageSpec {
  /** Packed, with the size behind it where the packing has none. */
  readonly payload: Uint8Array;
  readonly protocol?: number;
  /** Zero stands for four. */
  readonly setupSectors?: number;
}

/** A kernel image: kernel Documentation/arch/x86/boot.rst. */
export function bzImage({ payload, protocol = 0x20f, setupSectors = 3 }: BzImageSpec): Uint8Array {
  const start = ((setupSectors || 4) + 1) * 512;
  const payloadOffset = 0x2cc;
  const bytes = new Uint8Array(start + payloadOffset + payload.length + 64);
  const view = new DataView(bytes.buffer);
  bytes[0x1f1] = setupSectors;
  view.setUint16(0x1fe, 0xaa55, true);
  bytes.set(encode('HdrS'), 0x202);
  view.setUint16(0x206, protocol, true);
  view.setUint32(0x248, payloadOffset, true);
  view.setUint32(0x24c, payload.length, true);
  bytes.set(payload, start + payloadOffset);
  return bytes;
}

/** What the kernel's build appends to what is packed: its size. */
export function withSize(packed: Uint8Array, size: number): Uint8Array {
  return new ByteWriter().bytes(packed).u32(size).build();
}
