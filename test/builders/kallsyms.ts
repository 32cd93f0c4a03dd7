/**
 * Images of kernels with kallsyms in every layout there was: kernel scripts/kallsyms.c, write_src(), of 4.19 to 7.2.
 * Names are packed as there: characters that occur are tokens of themselves, the other codes pairs that occur often.
 */

import { addVirt, virtAddr, type VirtAddr } from '../../src/base/addr.ts';
import type { Gap, ImageMemory } from '../../src/memory/sparse.ts';
import { ByteWriter } from './byte-writer.ts';

export interface KallsymsSpec {
  readonly name: string;
  readonly letter: string;
  /** As the linker gave it: a per-CPU symbol may have an offset from zero. */
  readonly address: bigint;
}

export interface KallsymsLayout {
  /** Whether addresses stand before the names, or behind the tokens. */
  readonly addresses: 'before' | 'behind';
  readonly form: 'absolute' | 'base' | 'base, per-CPU absolute' | 'own place';
  /** `kallsyms_seqs_of_names` behind the markers, behind the addresses, or not at all. */
  readonly sequence: 'markers' | 'addresses' | 'none';
  /** In bytes. */
  readonly markerWidth: 4 | 8;
  readonly alignment: 4 | 8;
}

/** By the kernel whose build wrote them so. */
export const kallsymsLayouts: Readonly<Record<string, KallsymsLayout>> = {
  '4.19': { addresses: 'before', form: 'base, per-CPU absolute', sequence: 'none', markerWidth: 8, alignment: 8 },
  '4.19, absolute addresses': {
    addresses: 'before',
    form: 'absolute',
    sequence: 'none',
    markerWidth: 8,
    alignment: 8,
  },
  '5.10': { addresses: 'before', form: 'base, per-CPU absolute', sequence: 'none', markerWidth: 4, alignment: 8 },
  '6.1, Debian': {
    addresses: 'before',
    form: 'base, per-CPU absolute',
    sequence: 'markers',
    markerWidth: 4,
    alignment: 8,
  },
  '6.12': {
    addresses: 'behind',
    form: 'base, per-CPU absolute',
    sequence: 'addresses',
    markerWidth: 4,
    alignment: 8,
  },
  '6.12, absolute addresses': {
    addresses: 'behind',
    form: 'absolute',
    sequence: 'addresses',
    markerWidth: 4,
    alignment: 8,
  },
  '6.16': { addresses: 'behind', form: 'base', sequence: 'addresses', markerWidth: 4, alignment: 8 },
  '7.2': { addresses: 'behind', form: 'own place', sequence: 'addresses', markerWidth: 4, alignment: 4 },
};

export const IMAGE_START = virtAddr(0xffff_ffff_8100_0000n);
const BANNER = 'Linux version 6.6.6 (somebody@somewhere)\n';
const MARKER_STEP = 256;

export interface KallsymsImage {
  readonly bytes: Uint8Array;
  /** As VMCOREINFO names them: `kallsyms_names` … */
  readonly places: ReadonlyMap<string, VirtAddr>;
}

/** Symbols such as every kernel has, sorted, and as many functions as are wanted; `linux_banner` leads to the banner. */
export function kernelSymbols(functions: number, perCpuAtZero: boolean): KallsymsSpec[] {
  const text = Array.from({ length: functions }, (_, index) => ({
    name: `${['vfs', 'nfs', 'do', 'tcp'][index % 4] ?? ''}_${index.toString(36)}_${index % 7 === 0 ? 'write' : 'lookup'}`,
    letter: index % 3 === 0 ? 'T' : 't',
    address: IMAGE_START + BigInt(16 + index * 16),
  }));
  const data = IMAGE_START + 0x10_0000n;
  const perCpu = perCpuAtZero ? 0n : data + 0x2000n;
  const all = [
    { name: '_stext', letter: 'T', address: IMAGE_START },
    ...text,
    { name: 'an_alias_of_the_first', letter: 't', address: IMAGE_START + 16n },
    { name: '__pfx_padded', letter: 't', address: IMAGE_START + 0xf_0000n },
    { name: `_R${'long'.repeat(90)}`, letter: 't', address: IMAGE_START + 0xf_0010n },
    { name: '_etext', letter: 'T', address: IMAGE_START + 0xf_1000n },
    { name: 'linux_banner', letter: 'D', address: data },
    { name: 'init_task', letter: 'D', address: data + 0x1000n },
    { name: 'zero_to_nine_0123456789_abcdefghijklmnopqrstuvwxyz', letter: 'd', address: data + 0x1800n },
    { name: 'current_task', letter: perCpuAtZero ? 'A' : 'D', address: perCpu + 0x40n },
    { name: 'runqueues', letter: perCpuAtZero ? 'A' : 'd', address: perCpu + 0x80n },
  ];
  return all.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

/** An image in which the tables lie behind text, with the banner where `linux_banner` says. */
export function kallsymsImage(symbols: readonly KallsymsSpec[], layout: KallsymsLayout): KallsymsImage {
  const writer = new ByteWriter();
  const places = new Map<string, VirtAddr>();
  const label = (name: string, alignment = layout.alignment): void => {
    while (writer.length % alignment !== 0) writer.u8(0);
    places.set(`kallsyms_${name}`, addVirt(IMAGE_START, writer.length));
  };
  const tokens = chooseTokens(symbols);
  const packed = symbols.map(({ letter, name }) => pack(`${letter}${name}`, tokens));

  const writeAddresses = (): void => {
    label(layout.form === 'absolute' ? 'addresses' : 'offsets');
    const base = symbols.find(({ address }) => address >= IMAGE_START)?.address ?? 0n;
    for (const { address } of symbols) {
      const place = IMAGE_START + BigInt(writer.length);
      if (layout.form === 'absolute') writer.u64(address);
      else if (layout.form === 'base') writer.unsigned(address - base, 4);
      else if (layout.form === 'own place') writer.unsigned(address - place, 4);
      else writer.unsigned(address < IMAGE_START ? address : base - 1n - address, 4);
    }
    if (layout.form !== 'absolute' && layout.form !== 'own place') {
      label('relative_base', 8);
      writer.u64(base);
    }
  };
  const writeSequence = (): void => {
    label('seqs_of_names');
    const order = symbols.map((_, index) => index);
    order.sort((a, b) => ((symbols[a]?.name ?? '') < (symbols[b]?.name ?? '') ? -1 : 1));
    for (const index of order)
      writer
        .u8(index >> 16)
        .u8((index >> 8) & 0xff)
        .u8(index & 0xff);
  };

  for (let at = 0; at < 0x1234; at++) writer.u8((at * 37) & 0xff);
  if (layout.addresses === 'before') writeAddresses();
  label('num_syms');
  writer.unsigned(symbols.length, layout.markerWidth);
  label('names');
  const markers: number[] = [];
  const start = writer.length;
  for (const [index, bytes] of packed.entries()) {
    if (index % MARKER_STEP === 0) markers.push(writer.length - start);
    writer.uleb(bytes.length).bytes(bytes);
  }
  label('markers');
  for (const marker of markers) writer.unsigned(marker, layout.markerWidth);
  if (layout.sequence === 'markers') writeSequence();
  label('token_table');
  const index: number[] = [];
  const tableStart = writer.length;
  for (const token of tokens) {
    index.push(writer.length - tableStart);
    writer.bytes(new TextEncoder().encode(`${token}\0`));
  }
  label('token_index');
  for (const begins of index) writer.u16(begins);
  if (layout.addresses === 'behind') writeAddresses();
  if (layout.sequence === 'addresses') writeSequence();

  const banner = Number((symbols.find(({ name }) => name === 'linux_banner')?.address ?? IMAGE_START) - IMAGE_START);
  const bytes = new Uint8Array(Math.max(writer.length, banner) + 4096);
  bytes.set(writer.build());
  bytes.set(new TextEncoder().encode(BANNER), banner);
  return { bytes, places };
}

/** An image of which some parts are missing: offsets. */
export function imageOfBytes(bytes: Uint8Array, missing: readonly Gap[] = []): ImageMemory {
  return {
    start: IMAGE_START,
    end: addVirt(IMAGE_START, bytes.length),
    read: (address, length) => {
      const from = Number(address - IMAGE_START);
      const read = new Uint8Array(length);
      const outside = [
        { start: -Infinity, end: 0 },
        { start: bytes.length, end: Infinity },
      ];
      if (from < bytes.length && from + length > 0)
        read.set(bytes.subarray(Math.max(0, from), from + length), Math.max(0, -from));
      const gaps = [...outside.slice(0, 1), ...missing, ...outside.slice(1)]
        .map(({ start, end }) => ({ start: Math.max(0, start - from), end: Math.min(length, end - from) }))
        .filter(({ start, end }) => start < end);
      for (const { start, end } of gaps) read.fill(0, start, end);
      return { bytes: read, gaps };
    },
  };
}

/** 256 texts by code. */
function chooseTokens(symbols: readonly KallsymsSpec[]): string[] {
  const names = symbols.map(({ letter, name }) => `${letter}${name}`);
  const used = new Set(names.join(''));
  const pairs = new Map<string, number>();
  for (const name of names) {
    for (let at = 0; at + 2 <= name.length; at++) {
      const pair = name.slice(at, at + 2);
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    }
  }
  const often = [...pairs].sort((a, b) => b[1] - a[1]).map(([pair]) => pair);
  return Array.from({ length: 256 }, (_, code) => {
    const character = String.fromCharCode(code);
    return used.has(character) ? character : (often.shift() ?? '');
  });
}

function pack(name: string, tokens: readonly string[]): number[] {
  const packed: number[] = [];
  for (let at = 0; at < name.length;) {
    const pair = tokens.indexOf(name.slice(at, at + 2));
    const long = pair >= 0 && at + 2 <= name.length;
    packed.push(long ? pair : name.charCodeAt(at));
    at += long ? 2 : 1;
  }
  return packed;
}
