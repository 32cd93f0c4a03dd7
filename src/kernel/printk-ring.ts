/**
 * The lockless printk ring buffer, from copies of its three arrays. Kernel kernel/printk/printk_ringbuffer.{h,c}.
 *
 * A descriptor's state word holds its id and, in the top two bits, whether its record may be read. A data block begins
 * with a word (its descriptor's id); one that would cross the end of the ring begins again at its start.
 */

import { decodeText, fixedString, u16At, u32At, u64At } from '../bytes/read.ts';
import type { KernelLog, LogRecord } from './printk.ts';

export interface RingLayout {
  readonly countBits: number;
  readonly sizeBits: number;
  readonly descriptors: Uint8Array;
  readonly descriptorSize: number;
  readonly stateOffset: number;
  readonly beginOffset: number;
  readonly nextOffset: number;
  readonly infos: Uint8Array;
  readonly infoSize: number;
  readonly info: {
    readonly sequence: number;
    readonly time: number;
    readonly textLength: number;
    readonly facility: number;
    readonly caller: number;
    /** struct dev_printk_info: subsystem, then device; undefined where the kernel has none. */
    readonly device: number | undefined;
    readonly subsystemSize: number;
    readonly deviceSize: number;
  };
  readonly text: Uint8Array;
  readonly tailId: bigint;
  readonly headId: bigint;
}

const FLAG_SHIFT = 62n;
const ID_MASK = (1n << FLAG_SHIFT) - 1n;
const COMMITTED = 1n;
const FINALIZED = 2n;
const BLOCK_HEADER = 8;
const NO_CALLER = 0xffff_ffff;

export function parseRingBuffer(ring: RingLayout): KernelLog {
  const records: LogRecord[] = [];
  let damaged = 0;
  const count = 1n << BigInt(ring.countBits);
  let id = ring.tailId & ID_MASK;
  const last = ring.headId & ID_MASK;
  for (let step = 0n; step < count; step++) {
    const record = readRecord(ring, id, Number(id % count));
    if (record === 'damaged') damaged++;
    else if (record !== undefined) records.push(record);
    if (id === last) return { records, damaged };
    id = (id + 1n) & ID_MASK;
  }
  return { records, damaged: damaged + 1 };
}

/** Undefined where a descriptor holds no record, being reserved or free. */
function readRecord(ring: RingLayout, id: bigint, index: number): LogRecord | 'damaged' | undefined {
  const descriptor = index * ring.descriptorSize;
  const state = u64At(ring.descriptors, descriptor + ring.stateOffset);
  const flags = state >> FLAG_SHIFT;
  if ((state & ID_MASK) !== id) return 'damaged';
  if (flags !== COMMITTED && flags !== FINALIZED) return undefined;
  const at = index * ring.infoSize;
  const { info, infos } = ring;
  const sequence = u64At(infos, at + info.sequence);
  // A descriptor's sequence numbers go up by the ring's size; anything else is no printk_info.
  if (sequence % (1n << BigInt(ring.countBits)) !== BigInt(index)) return 'damaged';
  const levels = infos[at + info.facility + 1] ?? 0;
  const caller = u32At(infos, at + info.caller);
  return {
    sequence,
    time: u64At(infos, at + info.time),
    facility: infos[at + info.facility] ?? 0,
    level: levels >> 5,
    caller: caller === NO_CALLER ? undefined : caller,
    text: textOf(ring, id, descriptor, u16At(infos, at + info.textLength)),
    dictionary: info.device === undefined ? [] : dictionaryOf(ring, at + info.device),
  };
}

/** Undefined where the block is not the descriptor's own, or its text is not in the dump. */
function textOf(ring: RingLayout, id: bigint, descriptor: number, length: number): string | undefined {
  const begin = u64At(ring.descriptors, descriptor + ring.beginOffset);
  const next = u64At(ring.descriptors, descriptor + ring.nextOffset);
  // A block without data has an odd position.
  if ((begin & 1n) === 1n && (next & 1n) === 1n) return '';
  const size = 1n << BigInt(ring.sizeBits);
  const wraps = (position: bigint): bigint => position / size;
  const inPlace = wraps(begin) === wraps(next) || next % size === 0n;
  const start = inPlace ? Number(begin % size) : 0;
  // A damaged length must not show what stands behind the block.
  const room = Number(inPlace ? BigInt.asUintN(64, next - begin) : next % size) - BLOCK_HEADER;
  if (start + BLOCK_HEADER > ring.text.length || u64At(ring.text, start) !== id) return undefined;
  const text = ring.text.subarray(start + BLOCK_HEADER, start + BLOCK_HEADER + Math.max(0, Math.min(length, room)));
  // The kernel stores no zeros: what is left of a page that is not in the dump.
  const hole = text.indexOf(0);
  if (hole < 0) return decodeText(text);
  return hole === 0 ? undefined : `${decodeText(text.subarray(0, hole))}… (the rest is not in the dump)`;
}

function dictionaryOf(ring: RingLayout, at: number): string[] {
  const { subsystemSize, deviceSize } = ring.info;
  const subsystem = fixedString(ring.infos.subarray(at, at + subsystemSize));
  const device = fixedString(ring.infos.subarray(at + subsystemSize, at + subsystemSize + deviceSize));
  return [...(subsystem === '' ? [] : [`SUBSYSTEM=${subsystem}`]), ...(device === '' ? [] : [`DEVICE=${device}`])];
}
