/** The cursor: order of reads, both byte orders, its end. */

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../test/builders/byte-writer.ts';
import { FormatError } from '../base/errors.ts';
import { Cursor } from './cursor.ts';

describe('Cursor', () => {
  it('reads one thing after the other, in a view of a larger buffer', () => {
    const whole = new ByteWriter()
      .zeros(3)
      .u8(1)
      .u16(0x0302)
      .u32(0x0706_0504)
      .u64(0x0f0e_0d0c_0b0a_0908n)
      .uleb(300)
      .string('hi')
      .bytes([9, 9])
      .build();
    const cursor = new Cursor(whole.subarray(3), 'test');
    expect([cursor.u8(), cursor.u16(), cursor.u32(), cursor.u64(), cursor.uleb(), cursor.string()]).toEqual([
      1,
      0x0302,
      0x0706_0504,
      0x0f0e_0d0c_0b0a_0908n,
      300,
      'hi',
    ]);
    expect(cursor.take(2)).toEqual(Uint8Array.of(9, 9));
    expect(cursor.atEnd).toBe(true);
  });

  it('reads big-endian where asked to', () => {
    expect(new Cursor(Uint8Array.of(1, 2, 3, 4), 'test', 0, false).u32()).toBe(0x0102_0304);
  });

  it('throws FormatError named for its section past the end, and wherever its position is', () => {
    const cursor = new Cursor(new Uint8Array(7), 'the header');
    expect(() => cursor.u64()).toThrow('the header: ends too early');
    cursor.skip(7);
    expect(() => cursor.u8()).toThrow(FormatError);
    for (const position of [-1, -12, NaN, Infinity, 0.5]) {
      cursor.position = position;
      expect(() => cursor.u32(), String(position)).toThrow(FormatError);
    }
    cursor.position = 0;
    expect(() => cursor.take(-1)).toThrow(FormatError);
  });

  it('refuses sizes that are no exact numbers', () => {
    expect(() => new Cursor(new Uint8Array(8).fill(0xff), 'test').u53()).toThrow(FormatError);
  });
});
