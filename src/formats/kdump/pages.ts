/**
 * The pages of one kdump file: which frames it has, and what is in them.
 *
 * A page's descriptor (struct page_desc, 24 bytes: offset, size, flags, page flags) is found by counting the set bits of
 * the dumped bitmap before it. makedumpfile's diskdump_mod.h; pages of zeros share one descriptor's data.
 */

import { FormatError, type FaultReason } from '../../base/errors.ts';
import type { ByteSource } from '../../bytes/byte-source.ts';
import { unpackLzo1x } from '../../bytes/lzo1x.ts';
import { unpackSnappy } from '../../bytes/snappy.ts';
import { WordBlocks } from '../../bytes/word-blocks.ts';
import type { PageCodecs } from '../dump-image.ts';
import type { KdumpHeader } from './header.ts';
import { PageData } from './page-data.ts';
import { RankedBitmap, type BitRun } from './ranked-bitmap.ts';

export const PAGE_ZLIB = 0x1;
export const PAGE_LZO = 0x2;
export const PAGE_SNAPPY = 0x4;
export const PAGE_ZSTD = 0x20;
const PACKED = PAGE_ZLIB | PAGE_LZO | PAGE_SNAPPY | PAGE_ZSTD;

export const DESCRIPTOR_SIZE = 24;
const DESCRIPTOR_WORDS = DESCRIPTOR_SIZE / 4;
const BLOCK_DESCRIPTORS = 128;
const MOST_BLOCKS = 1024;
/** A page of zeros packs to less; looking at others would cost time. */
const LARGEST_ZEROS = 64;

/** A page of zeros, packed: the same bytes, packed in the same way, are one, too. */
interface PackedZeros {
  readonly offset: number;
  readonly codec: number;
  readonly data: Uint8Array;
}

export class KdumpPages {
  readonly header: KdumpHeader;
  readonly source: ByteSource;
  /** The frames whose pages this file may have: [start, end). */
  readonly start: number;
  readonly end: number;
  readonly #codecs: PageCodecs;
  readonly #memory: RankedBitmap;
  readonly #dumped: RankedBitmap;
  readonly #descriptors: WordBlocks;
  readonly #data: PageData;
  /** The page of zeros met last: with -d 1 they share their data, else each has its own. */
  #zeros: PackedZeros | undefined;

  constructor(source: ByteSource, header: KdumpHeader, codecs: PageCodecs) {
    this.header = header;
    this.source = source;
    this.start = Math.min(header.split?.start ?? 0, header.frames);
    this.end = Math.min(header.split?.end ?? header.frames, header.frames);
    this.#codecs = codecs;
    this.#dumped = new RankedBitmap(source, header.dumpedBitmap, header.frames, this.start);
    this.#memory =
      header.memoryBitmap === header.dumpedBitmap
        ? this.#dumped
        : new RankedBitmap(source, header.memoryBitmap, header.frames, 0);
    this.#descriptors = new WordBlocks(source, header.descriptors, BLOCK_DESCRIPTORS * DESCRIPTOR_SIZE, MOST_BLOCKS);
    this.#data = new PageData(source);
  }

  /** Runs of frames in [from, to) whose pages the file says it has. */
  runs(from: number, to: number): Generator<BitRun> {
    return this.#dumped.runs(Math.max(from, this.start), Math.min(to, this.end));
  }

  /** How many pages the file says it has before a frame. Reads the bitmap up to it. */
  pagesBefore(frame: number): number {
    return this.#dumped.rank(frame);
  }

  /** Where the data of the n-th page ends in the file; undefined where its descriptor is not there or empty. */
  dataEnd(index: number): number | undefined {
    const descriptor = this.#descriptor(index);
    return descriptor && descriptor.offset + descriptor.size;
  }

  /**
   * Fills `target`, which is as large as a page, with the page of a frame, or tells why it cannot be had.
   * @throws NeedResource where a codec must be started first
   */
  read(frame: number, target: Uint8Array): FaultReason | undefined {
    const dumped = this.#dumped.has(frame);
    if (dumped === undefined) return 'incomplete';
    if (!dumped) return this.#memory.has(frame) === true ? 'excluded' : 'not-in-dump';
    const descriptor = this.#descriptor(this.#dumped.rank(frame));
    if (descriptor === undefined) return 'incomplete';
    const { offset, size, flags } = descriptor;
    if (offset === this.#zeros?.offset) {
      target.fill(0);
      return undefined;
    }
    if (size > target.length || !Number.isSafeInteger(offset + size)) return 'damaged';
    const data = this.#data.piece(offset, size);
    if (data.length < size) return 'incomplete';
    const codec = flags & PACKED;
    if (codec === this.#zeros?.codec && isSame(data, this.#zeros.data)) {
      target.fill(0);
      return undefined;
    }
    try {
      this.#unpack(data, codec, target);
    } catch (error) {
      if (error instanceof FormatError) return 'damaged';
      throw error;
    }
    if (size <= LARGEST_ZEROS && isZero(target)) this.#zeros = { offset, codec, data: data.slice() };
    return undefined;
  }

  /** Undefined where the file ends before it, or the dump was given up before its page was written. */
  #descriptor(index: number): { offset: number; size: number; flags: number } | undefined {
    const { words, valid } = this.#descriptors.block(Math.floor(index / BLOCK_DESCRIPTORS));
    const within = index % BLOCK_DESCRIPTORS;
    if ((within + 1) * DESCRIPTOR_SIZE > valid) return undefined;
    const at = within * DESCRIPTOR_WORDS;
    const offset = (words[at + 1] as number) * 0x1_0000_0000 + (words[at] as number);
    return offset === 0 ? undefined : { offset, size: words[at + 2] as number, flags: words[at + 3] as number };
  }

  #unpack(data: Uint8Array, codec: number, target: Uint8Array): void {
    switch (codec) {
      case 0:
        if (data.length !== target.length) throw new FormatError('page', 'is of another size');
        target.set(data);
        return;
      case PAGE_ZLIB:
        target.set(this.#codecs.inflate(data, target.length));
        return;
      case PAGE_LZO:
        unpackLzo1x(data, target);
        return;
      case PAGE_SNAPPY:
        unpackSnappy(data, target);
        return;
      case PAGE_ZSTD:
        target.set(this.#codecs.unzstd(data, target.length));
        return;
      default:
        throw new FormatError('page', `is packed in an unknown way (flags ${codec})`);
    }
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if (bytes[index] !== 0) return false;
  return true;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
