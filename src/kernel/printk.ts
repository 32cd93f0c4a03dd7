/**
 * The kernel log: its records, oldest first.
 *
 * Two forms: the lockless ring buffer (896fbe20b4e2, v5.10; kernel/printk/printk_ringbuffer.h) and the record buffer
 * before it (7ff9554bb578, v3.5; struct printk_log). The layouts come from the kernel's types; where there are none,
 * from VMCOREINFO, which has them for this purpose.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt, LookupError } from '../base/errors.ts';
import { memberOf } from '../values/struct-view.ts';
import type { Kernel } from './kernel.ts';
import { parseRecordBuffer, type RecordLayout } from './printk-records.ts';
import { parseRingBuffer, type RingLayout } from './printk-ring.ts';

export interface LogRecord {
  readonly sequence: bigint;
  /** Nanoseconds since boot, by the kernel's local clock. */
  readonly time: bigint;
  readonly facility: number;
  /** 0 (emergency) to 7 (debug). */
  readonly level: number;
  /** PRINTK_CALLER: a task's pid, or with the top bit set a CPU; undefined where the kernel does not keep it. */
  readonly caller: number | undefined;
  /** Undefined where the dump does not hold it, or it is damaged. */
  readonly text: string | undefined;
  /** KEY=VALUE: SUBSYSTEM, DEVICE. */
  readonly dictionary: readonly string[];
}

export interface KernelLog {
  readonly records: readonly LogRecord[];
  /** How many places there are at least where a record should be, and none can be read. */
  readonly damaged: number;
}

const LARGEST_BUFFER = 1 << 28;

/** @throws LookupError, FaultError where the log cannot be found or read */
export function readLog(kernel: Kernel): KernelLog {
  const ring = kernel.addressOf('prb');
  if (ring !== undefined) return readRing(kernel, kernel.memory.pointer(ring));
  const buffer = kernel.addressOf('log_buf');
  if (buffer === undefined) throw new LookupError('kernel log', 'neither prb nor log_buf is a symbol of this kernel');
  return readRecords(kernel, kernel.memory.pointer(buffer));
}

/** Offset of a member, by type or by VMCOREINFO. */
function offset(kernel: Kernel, struct: string, member: string): number {
  const type = kernel.types.compound('struct', struct);
  const found = (type && memberOf(type, member)?.offset) ?? kernel.target.vmcoreinfo()?.offset(`${struct}.${member}`);
  if (found === undefined) throw new LookupError('member', `${struct}.${member}`);
  return found;
}

function size(kernel: Kernel, struct: string): number {
  const found = kernel.types.compound('struct', struct)?.size ?? kernel.target.vmcoreinfo()?.structSize(struct);
  if (found === undefined) throw new LookupError('struct', struct);
  return found;
}

function readRing(kernel: Kernel, ring: VirtAddr): KernelLog {
  const { memory } = kernel;
  const descriptors = addVirt(ring, offset(kernel, 'printk_ringbuffer', 'desc_ring'));
  const data = addVirt(ring, offset(kernel, 'printk_ringbuffer', 'text_data_ring'));
  const inRing = (member: string): VirtAddr => addVirt(descriptors, offset(kernel, 'prb_desc_ring', member));
  const inData = (member: string): VirtAddr => addVirt(data, offset(kernel, 'prb_data_ring', member));
  const countBits = memory.u32(inRing('count_bits'));
  const sizeBits = memory.u32(inData('size_bits'));
  const descriptorSize = size(kernel, 'prb_desc');
  const infoSize = size(kernel, 'printk_info');
  if (countBits > 24 || 2 ** sizeBits > LARGEST_BUFFER)
    throw new LookupError('kernel log', 'its ring buffer is damaged');
  const positions = offset(kernel, 'prb_desc', 'text_blk_lpos');
  const layout: RingLayout = {
    countBits,
    sizeBits,
    descriptors: memory.bytesWithHoles(memory.pointer(inRing('descs')), descriptorSize * 2 ** countBits),
    descriptorSize,
    stateOffset: offset(kernel, 'prb_desc', 'state_var'),
    beginOffset: positions + offset(kernel, 'prb_data_blk_lpos', 'begin'),
    nextOffset: positions + offset(kernel, 'prb_data_blk_lpos', 'next'),
    infos: memory.bytesWithHoles(memory.pointer(inRing('infos')), infoSize * 2 ** countBits),
    infoSize,
    info: {
      sequence: offset(kernel, 'printk_info', 'seq'),
      time: offset(kernel, 'printk_info', 'ts_nsec'),
      textLength: offset(kernel, 'printk_info', 'text_len'),
      facility:
        attempt(() => offset(kernel, 'printk_info', 'facility')) ?? offset(kernel, 'printk_info', 'text_len') + 2,
      caller: offset(kernel, 'printk_info', 'caller_id'),
      device: attempt(() => offset(kernel, 'printk_info', 'dev_info')),
      subsystemSize: 16,
      deviceSize: 48,
    },
    text: memory.bytesWithHoles(memory.pointer(inData('data')), 2 ** sizeBits),
    tailId: memory.u64(inRing('tail_id')),
    headId: memory.u64(inRing('head_id')),
  };
  return parseRingBuffer(layout);
}

function readRecords(kernel: Kernel, buffer: VirtAddr): KernelLog {
  const { memory } = kernel;
  const length = memory.u32(kernel.symbol('log_buf_len'));
  if (length > LARGEST_BUFFER) throw new LookupError('kernel log', 'its buffer is damaged');
  const layout: RecordLayout = {
    headerSize: size(kernel, 'printk_log'),
    time: offset(kernel, 'printk_log', 'ts_nsec'),
    length: offset(kernel, 'printk_log', 'len'),
    textLength: offset(kernel, 'printk_log', 'text_len'),
    dictionaryLength: offset(kernel, 'printk_log', 'dict_len'),
    facility: attempt(() => offset(kernel, 'printk_log', 'facility')) ?? offset(kernel, 'printk_log', 'dict_len') + 2,
    caller: attempt(() => offset(kernel, 'printk_log', 'caller_id')),
  };
  const first = memory.u32(kernel.symbol('log_first_idx'));
  const next = memory.u32(kernel.symbol('log_next_idx'));
  return parseRecordBuffer(memory.bytesWithHoles(buffer, length), first, next, layout);
}
