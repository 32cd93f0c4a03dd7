/**
 * Packed data for tests: small greedy encoders of LZO1X and snappy that use every kind of instruction the data allows,
 * and zstd frames of raw and repeated bytes.
 */

import { ByteWriter } from './byte-writer.ts';

interface Match {
  readonly at: number;
  readonly length: number;
  readonly distance: number;
}

/** Matches of at least `shortest` bytes, ascending and apart; which distance is taken varies. */
function matchesOf(data: Uint8Array, shortest: number, longest: number, farthest: number): Match[] {
  const matches: Match[] = [];
  const seen = new Map<number, number>();
  for (let at = 0; at + shortest <= data.length;) {
    const key = keyAt(data, at, shortest);
    const from = seen.get(key);
    seen.set(key, at);
    if (from === undefined || at - from > farthest) {
      at++;
      continue;
    }
    let length = shortest;
    while (at + length < data.length && length < longest && data[from + length] === data[at + length]) length++;
    matches.push({ at, length, distance: at - from });
    at += length;
  }
  return matches;
}

function keyAt(data: Uint8Array, at: number, length: number): number {
  let key = 0;
  for (let index = 0; index < length; index++) key = key * 256 + (data[at + index] ?? 0);
  return key;
}

/** As lzo1x_1_compress's output is laid out: kernel Documentation/staging/lzo.rst. */
export function packLzo1x(data: Uint8Array): Uint8Array {
  const out = new ByteWriter();
  let done = 0;
  /** Where the last instruction's two bits for following literals are. */
  let stateAt = -1;
  const literals = (end: number): number => {
    const part = data.subarray(done, end);
    if (part.length > 0) {
      if (stateAt < 0 && part.length <= 238) out.u8(17 + part.length);
      else if (stateAt >= 0 && part.length < 4) out.patch(stateAt, byteOf(out, stateAt) | part.length, 1);
      else if (part.length <= 18) out.u8(part.length - 3);
      else extended(out.u8(0), part.length - 18);
      out.bytes(part);
    }
    done = end;
    return part.length < 4 ? part.length : 4;
  };
  for (const { at, length, distance } of matchesOf(data, 3, 4000, 0xbfff)) {
    const pending = at - done;
    if (stateAt < 0 && pending === 0) continue;
    const state = literals(at);
    if (state === 4 && length === 3 && distance > 0x800 && distance <= 0xc00) {
      stateAt = out.length;
      out.u8(((distance - 0x801) & 3) << 2).u8((distance - 0x801) >> 2);
    } else if (length <= 8 && distance <= 0x800) {
      stateAt = out.length;
      const low = ((distance - 1) & 7) << 2;
      out.u8(length <= 4 ? 0x40 | ((length - 3) << 5) | low : 0x80 | ((length - 5) << 5) | low).u8((distance - 1) >> 3);
    } else if (distance <= 0x4000) {
      if (length <= 33) out.u8(0x20 | (length - 2));
      else extended(out.u8(0x20), length - 33);
      stateAt = out.length;
      out.u16((distance - 1) << 2);
    } else {
      const far = distance - 0x4000;
      const high = (far >> 11) & 8;
      if (length <= 9) out.u8(0x10 | high | (length - 2));
      else extended(out.u8(0x10 | high), length - 9);
      stateAt = out.length;
      out.u16((far & 0x3fff) << 2);
    }
    done = at + length;
  }
  literals(data.length);
  return out.u8(0x11).u8(0).u8(0).build();
}

function extended(out: ByteWriter, rest: number): void {
  let left = rest;
  for (; left > 255; left -= 255) out.u8(0);
  out.u8(left);
}

function byteOf(out: ByteWriter, at: number): number {
  return out.build()[at] ?? 0;
}

/** google/snappy format_description.txt; which of the three copies is used depends on length and distance. */
export function packSnappy(data: Uint8Array): Uint8Array {
  const out = new ByteWriter().uleb(data.length);
  let done = 0;
  const literals = (end: number): void => {
    const part = data.subarray(done, end);
    const last = part.length - 1;
    if (part.length === 0) return;
    if (last < 60) out.u8(last << 2);
    else if (last < 256) out.u8(60 << 2).u8(last);
    else out.u8(61 << 2).u16(last);
    out.bytes(part);
  };
  for (const { at, length, distance } of matchesOf(data, 4, 64, 0xffff)) {
    literals(at);
    if (length <= 11 && distance < 2048) out.u8(1 | ((length - 4) << 2) | ((distance >> 8) << 5)).u8(distance & 0xff);
    else if (length % 2 === 0) out.u8(2 | ((length - 1) << 2)).u16(distance);
    else out.u8(3 | ((length - 1) << 2)).u32(distance);
    done = at + length;
  }
  literals(data.length);
  return out.build();
}

const LONGEST_BLOCK = 1 << 17;
/** A shorter run of one byte costs more as a block of its own. */
const SHORTEST_RUN = 16;

/** A frame of blocks that are raw, or one byte repeated. RFC 8878. */
export function packZstd(data: Uint8Array): Uint8Array {
  const out = new ByteWriter().u32(0xfd2f_b528).u8(0xa0).u32(data.length);
  for (let at = 0; at < data.length;) {
    let end = runEnd(data, at);
    const repeated = end - at >= SHORTEST_RUN;
    if (!repeated) while (end < data.length && runEnd(data, end) - end < SHORTEST_RUN) end = runEnd(data, end);
    end = Math.min(end, at + LONGEST_BLOCK);
    const header = (end === data.length ? 1 : 0) | (repeated ? 2 : 0) | ((end - at) << 3);
    out.u8(header & 0xff).u16(header >>> 8);
    out.bytes(data.subarray(at, repeated ? at + 1 : end));
    at = end;
  }
  return out.build();
}

function runEnd(data: Uint8Array, start: number): number {
  let end = start + 1;
  while (end < data.length && data[end] === data[start]) end++;
  return end;
}
