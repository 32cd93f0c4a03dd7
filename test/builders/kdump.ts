/** Compressed kdumps of any header version, page by page; flattened streams; parts of split dumps. */

import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { DESCRIPTOR_SIZE, PAGE_LZO, PAGE_SNAPPY, PAGE_ZLIB, PAGE_ZSTD } from '../../src/formats/kdump/pages.ts';
import { ByteWriter, encode } from './byte-writer.ts';
import { packLzo1x, packSnappy, packZstd } from './pack.ts';

export type PagePacking = 'plain' | 'zlib' | 'lzo' | 'snappy' | 'zstd';

export interface KdumpOptions {
  readonly signature?: 'KDUMP   ' | 'DISKDUMP';
  /** 0 to 6. */
  readonly version?: number;
  readonly blockSize?: number;
  /** How many page frames there are. */
  readonly frames?: number;
  readonly dumpLevel?: number;
  readonly status?: number;
  readonly machine?: string;
  readonly release?: string;
  /** The bytes of the notes. */
  readonly notes?: Uint8Array;
  readonly vmcoreinfo?: readonly string[];
  /** Only the bitmap of what is dumped. */
  readonly oneBitmap?: boolean;
  /** The frames of this part of a split dump: [start, end). */
  readonly split?: readonly [start: number, end: number];
  /** What fills the sub header behind the fields of the version. */
  readonly filler?: number;
}

interface PageSpec {
  readonly data: Uint8Array;
  readonly flags: number;
}

const packings: Readonly<
  Record<PagePacking, { readonly flags: number; readonly pack: (data: Uint8Array) => Uint8Array }>
> = {
  plain: { flags: 0, pack: (data) => data },
  zlib: { flags: PAGE_ZLIB, pack: (data) => deflateSync(data) },
  lzo: { flags: PAGE_LZO, pack: packLzo1x },
  snappy: { flags: PAGE_SNAPPY, pack: packSnappy },
  zstd: { flags: PAGE_ZSTD, pack: packZstd },
};

/** Where the fields of each version end in struct kdump_sub_header. */
const subHeaderEnds = [8, 12, 32, 48, 64, 80, 104];

export class KdumpBuilder {
  readonly #options: KdumpOptions;
  /** Undefined: the page was never written; 'excluded': a filter left it out. */
  readonly #pages = new Map<number, PageSpec | 'excluded' | 'unwritten'>();

  constructor(options: KdumpOptions = {}) {
    this.#options = options;
  }

  page(frame: number, data: Uint8Array, packing: PagePacking = 'plain'): this {
    const { flags, pack } = packings[packing];
    return this.raw(frame, pack(data), flags);
  }

  /** Bytes that need not be a page's. */
  raw(frame: number, data: Uint8Array, flags: number): this {
    this.#pages.set(frame, { data, flags });
    return this;
  }

  excluded(frame: number): this {
    this.#pages.set(frame, 'excluded');
    return this;
  }

  /** Its descriptor is there, but empty, as where makedumpfile ran out of space. */
  unwritten(frame: number): this {
    this.#pages.set(frame, 'unwritten');
    return this;
  }

  build(): Uint8Array {
    const { blockSize = 4096, version = 6, oneBitmap = false, split, vmcoreinfo, notes } = this.#options;
    const frames = this.#options.frames ?? Math.max(0, ...this.#pages.keys()) + 1;
    const bitmapBlocks = Math.ceil(Math.ceil(frames / 8) / blockSize);
    const info = encode(vmcoreinfo?.map((line) => `${line}\n`).join('') ?? '');
    const trailer = 464 > blockSize ? 2 * blockSize : blockSize;
    const subBlocks = Math.ceil((104 + info.length + (notes?.length ?? 0)) / blockSize);
    const infoAt = blockSize + 104;
    const notesAt = infoAt + info.length;
    const out = new ByteWriter();
    this.#header(out, frames, subBlocks, bitmapBlocks * (oneBitmap ? 1 : 2));
    if (trailer !== blockSize) throw new Error('a block must hold the header');
    pad(out, blockSize);
    const sub = new ByteWriter()
      .u64(0)
      .u32(this.#options.dumpLevel ?? 0)
      .u32(split === undefined ? 0 : 1);
    const [start, end] = split ?? [0, 0];
    sub.u64(version >= 6 ? 0 : start).u64(version >= 6 ? 0 : end);
    sub.u64(info.length === 0 ? 0 : infoAt).u64(info.length);
    sub.u64(notes === undefined ? 0 : notesAt).u64(notes?.length ?? 0);
    sub.u64(0).u64(0).u64(start).u64(end).u64(frames);
    const bytes = sub.build();
    if (this.#options.filler !== undefined) bytes.fill(this.#options.filler, subHeaderEnds[version] ?? 104);
    out
      .bytes(bytes)
      .bytes(info)
      .bytes(notes ?? []);
    pad(out, (1 + subBlocks) * blockSize);
    const dumped = [...this.#pages].filter(([, page]) => page !== 'excluded').map(([frame]) => frame);
    if (!oneBitmap) out.bytes(bitmap([...this.#pages.keys()], bitmapBlocks * blockSize));
    out.bytes(bitmap(dumped, bitmapBlocks * blockSize));
    this.#data(out, dumped, split);
    return out.build();
  }

  #header(out: ByteWriter, frames: number, subBlocks: number, bitmapBlocks: number): void {
    const { signature = 'KDUMP   ', version = 6, machine = 'x86_64', release = '6.1.0', status = 0 } = this.#options;
    out.bytes(encode(signature)).u32(version);
    for (const name of ['Linux', 'host', release, '#1', machine, '(none)']) {
      out.bytes(encode(name)).zeros(65 - name.length);
    }
    out.align(8).u64(1_700_000_000).u64(0);
    out
      .u32(status)
      .u32(this.#options.blockSize ?? 4096)
      .u32(subBlocks)
      .u32(bitmapBlocks)
      .u32(frames);
    out.u32(0).u32(0).u32(0).u32(0).u32(1);
  }

  /** Descriptors in the order of the frames, then data; pages of the same bytes share them. */
  #data(out: ByteWriter, dumped: readonly number[], split: KdumpOptions['split']): void {
    const [from, to] = split ?? [0, Number.POSITIVE_INFINITY];
    const here = dumped.filter((frame) => frame >= from && frame < to).sort((a, b) => a - b);
    const dataAt = out.length + here.length * DESCRIPTOR_SIZE;
    const data = new ByteWriter();
    const places = new Map<string, number>();
    for (const frame of here) {
      const page = this.#pages.get(frame);
      if (page === undefined || typeof page === 'string') {
        out.zeros(DESCRIPTOR_SIZE);
        continue;
      }
      const key = createHash('sha1').update(page.data).digest('hex');
      const place = places.get(key) ?? dataAt + data.length;
      if (!places.has(key)) data.bytes(page.data);
      places.set(key, place);
      out.u64(place).u32(page.data.length).u32(page.flags).u64(0);
    }
    out.bytes(data.build());
  }
}

function pad(out: ByteWriter, to: number): void {
  out.zeros(to - out.length);
}

function bitmap(frames: readonly number[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const frame of frames) {
    const at = Math.floor(frame / 8);
    bytes[at] = (bytes[at] ?? 0) | (1 << (frame % 8));
  }
  return bytes;
}

export interface Piece {
  readonly offset: number;
  readonly data: Uint8Array;
}

/** makedumpfile's flattened format: pieces in the order they are written. */
export function flattenedStream(pieces: readonly Piece[], options: { readonly endMark?: boolean } = {}): Uint8Array {
  const out = new ByteWriter();
  out.bytes(encode('makedumpfile')).zeros(4);
  bigEndian(out, 1n);
  bigEndian(out, 1n);
  pad(out, 4096);
  for (const { offset, data } of pieces) {
    bigEndian(out, BigInt(offset));
    bigEndian(out, BigInt(data.length));
    out.bytes(data);
  }
  if (options.endMark !== false) {
    bigEndian(out, -1n);
    bigEndian(out, -1n);
  }
  return out.build();
}

/** A file cut into pieces of a size, all of it. */
export function piecesOf(bytes: Uint8Array, size: number): Piece[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => ({
    offset: index * size,
    data: bytes.subarray(index * size, (index + 1) * size),
  }));
}

function bigEndian(out: ByteWriter, value: bigint): void {
  for (let shift = 56n; shift >= 0n; shift -= 8n) out.u8(Number((value >> shift) & 0xffn));
}
