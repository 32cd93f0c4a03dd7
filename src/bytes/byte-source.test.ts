/** Sources of bytes, and small reads through blocks. */

import { describe, expect, it } from 'vitest';
import { FormatError } from '../base/errors.ts';
import { BlockReader } from './block-reader.ts';
import { BytesSource, FileSource, readExactly, readUpTo, type ByteSource } from './byte-source.ts';

const bytes = Uint8Array.from({ length: 10_003 }, (_, index) => (index * 7) & 0xff);
const source = new BytesSource('test', bytes);

describe('readExactly and readUpTo', () => {
  it('give what is asked for, or say that it is not there', () => {
    expect(readExactly(source, 10, 4)).toEqual(bytes.slice(10, 14));
    expect(() => readExactly(source, 10_000, 4)).toThrow(FormatError);
    expect(() => readExactly(source, -1, 4)).toThrow(FormatError);
    expect(() => readExactly(source, NaN, 4)).toThrow(FormatError);
    expect(readUpTo(source, 10_000, 40)).toEqual(bytes.slice(10_000));
    expect(readUpTo(source, 20_000, 4)).toHaveLength(0);
    expect(readUpTo(source, -5, 4)).toHaveLength(0);
  });

  it('refuse what no array can hold with an error of the family', () => {
    const huge: ByteSource = { name: 'huge', size: 2 ** 50, readInto: () => 0 };
    expect(() => readExactly(huge, 0, 2 ** 49)).toThrow(FormatError);
    expect(() => readUpTo(huge, 0, 2 ** 49)).toThrow(FormatError);
  });

  it('notice a source that gives less than its size', () => {
    const short: ByteSource = { name: 'short', size: 100, readInto: () => 3 };
    expect(() => readExactly(short, 0, 10)).toThrow(FormatError);
    expect(readUpTo(short, 0, 10)).toHaveLength(3);
  });
});

describe('FileSource', () => {
  it('counts what it read', () => {
    const file = new FileSource({ path: 'x', size: 8, readInto: (_, target) => target.length, close: () => undefined });
    readExactly(file, 0, 8);
    expect(file.bytesRead).toBe(8);
  });
});

describe('BlockReader', () => {
  it('reads within and across blocks', () => {
    const reader = new BlockReader(source);
    const view = new DataView(bytes.buffer);
    for (const offset of [0, 4, 4092, 4096, 8188, 9996]) expect(reader.s32(offset)).toBe(view.getInt32(offset, true));
    for (const offset of [0, 4095, 4096, 8191, 10_001]) expect(reader.u16(offset)).toBe(view.getUint16(offset, true));
    expect(reader.u8(10_002)).toBe(bytes[10_002]);
  });

  it('throws FormatError past the end, also within a word', () => {
    const reader = new BlockReader(source);
    expect(() => reader.s32(10_000)).toThrow(FormatError);
    expect(() => reader.u16(10_002)).toThrow(FormatError);
    expect(() => reader.u8(10_003)).toThrow(FormatError);
    expect(() => reader.u8(1_000_000)).toThrow(FormatError);
  });

  it('keeps few blocks and still reads right', () => {
    const large = new Uint8Array(4096 * 600);
    for (let block = 0; block < 600; block++) large[block * 4096] = block & 0xff;
    const reader = new BlockReader(new BytesSource('large', large));
    for (const block of [0, 300, 599, 0, 300]) expect(reader.u8(block * 4096)).toBe(block & 0xff);
    for (let block = 0; block < 600; block++) expect(reader.u8(block * 4096)).toBe(block & 0xff);
  });
});
