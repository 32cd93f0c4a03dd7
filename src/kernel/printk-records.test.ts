/** The record buffer of kernels before 5.10: wraps, levels, damage. */

import { describe, expect, it } from 'vitest';
import { ByteWriter, encode } from '../../test/builders/byte-writer.ts';
import { below, mutate, randomFrom, seeds, survives } from '../../test/builders/mutate.ts';
import { parseRecordBuffer, type RecordLayout } from './printk-records.ts';

const layout: RecordLayout = {
  headerSize: 16,
  time: 0,
  length: 8,
  textLength: 10,
  dictionaryLength: 12,
  facility: 14,
  caller: undefined,
};
const withCaller: RecordLayout = { ...layout, headerSize: 24, caller: 16 };

function record(
  text: string,
  more: { dictionary?: string; level?: number; caller?: number; time?: bigint } = {},
): Uint8Array {
  const dictionary = encode(more.dictionary ?? '');
  const headerSize = more.caller === undefined ? 16 : 24;
  const length = Math.ceil((headerSize + encode(text).length + dictionary.length) / 8) * 8;
  const out = new ByteWriter()
    .u64(more.time ?? 5_000_000_000n)
    .u16(length)
    .u16(encode(text).length)
    .u16(dictionary.length);
  out.u8(3).u8(((more.level ?? 6) << 5) | 2);
  if (more.caller !== undefined) out.u32(more.caller).u32(0);
  return out.bytes(encode(text)).bytes(dictionary).align(8).build();
}

describe('the record buffer', () => {
  it('has records with all that is known of them', () => {
    const buffer = new ByteWriter()
      .bytes(record('größe', { level: 3, dictionary: 'SUBSYSTEM=pci\0DEVICE=+pci:0000' }))
      .bytes(record('b'))
      .build();
    expect(parseRecordBuffer(buffer, 0, buffer.length, layout).records).toEqual([
      {
        sequence: 0n,
        time: 5_000_000_000n,
        facility: 3,
        level: 3,
        caller: undefined,
        text: 'größe',
        dictionary: ['SUBSYSTEM=pci', 'DEVICE=+pci:0000'],
      },
      { sequence: 1n, time: 5_000_000_000n, facility: 3, level: 6, caller: undefined, text: 'b', dictionary: [] },
    ]);
    const caller = record('c', { caller: 42 });
    expect(parseRecordBuffer(caller, 0, caller.length, withCaller).records[0]).toMatchObject({ caller: 42, text: 'c' });
  });

  it('goes on at the start where a record of length zero says so', () => {
    const old = record('old');
    const newest = record('newest');
    const buffer = new ByteWriter().bytes(newest).zeros(24).bytes(old).zeros(32).build();
    const first = newest.length + 24;
    expect(parseRecordBuffer(buffer, first, newest.length, layout).records.map(({ text }) => text)).toEqual([
      'old',
      'newest',
    ]);
  });

  it('is empty where the first is the next', () => {
    expect(parseRecordBuffer(new Uint8Array(128), 16, 16, layout).records).toEqual([]);
    expect(parseRecordBuffer(new Uint8Array(128), 0, 64, layout).records).toEqual([]);
    expect(parseRecordBuffer(new Uint8Array(128), 500, 0, layout).records).toEqual([]);
  });

  it('gives what comes before damage', () => {
    const buffer = new ByteWriter().bytes(record('a')).bytes(record('b')).zeros(8).build();
    new DataView(buffer.buffer).setUint16(record('a').length + 8, 3, true);
    expect(
      parseRecordBuffer(buffer, 0, 4000, layout)
        .records.map(({ text }) => text)
        .slice(0, 2),
    ).toEqual(['a', 'b']);
  });

  it('never does worse than an error of the family, whatever its bytes', () => {
    const buffer = new ByteWriter()
      .bytes(record('a'))
      .bytes(record('b', { dictionary: 'X=1' }))
      .bytes(record('c'))
      .zeros(64)
      .build();
    for (const seed of seeds(3000)) {
      const random = randomFrom(seed);
      const bytes = mutate(buffer, random);
      survives(seed, () => {
        const first = random() < 0.5 ? 0 : below(random, 300);
        expect(parseRecordBuffer(bytes, first, below(random, 300), layout).records.length).toBeLessThanOrEqual(
          Math.ceil(bytes.length / 16),
        );
      });
    }
  });
});
