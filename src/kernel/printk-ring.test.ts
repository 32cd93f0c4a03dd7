/** The lockless printk ring: wraps, blocks without data, descriptors in every state, damage. */

import { describe, expect, it } from 'vitest';
import { ByteWriter, encode } from '../../test/builders/byte-writer.ts';
import { below, mutate, randomFrom, seeds, survives } from '../../test/builders/mutate.ts';
import { parseRingBuffer, type RingLayout } from './printk-ring.ts';

const RESERVED = 0n;
const COMMITTED = 1n;
const FINALIZED = 2n;
const REUSABLE = 3n;
const INFO_SIZE = 88;

/** A ring of 2^countBits descriptors and 2^sizeBits bytes, written as the kernel's data_alloc() writes it. */
class Ring {
  readonly #countBits: number;
  readonly #sizeBits: number;
  readonly #descriptors: ByteWriter;
  readonly #infos: ByteWriter;
  readonly #text: Uint8Array;
  readonly #exactEnd: boolean;
  #position = 0;
  #next: bigint;
  #tail: bigint;

  constructor(countBits: number, sizeBits: number, firstId = 0n, exactEnd = false) {
    this.#countBits = countBits;
    this.#sizeBits = sizeBits;
    this.#descriptors = new ByteWriter().zeros(24 << countBits);
    this.#infos = new ByteWriter().zeros(INFO_SIZE << countBits);
    this.#text = new Uint8Array(1 << sizeBits);
    this.#exactEnd = exactEnd;
    this.#next = firstId;
    this.#tail = firstId;
  }

  add(
    text: string,
    { flags = FINALIZED, dataless = false, level = 6, caller = 0xffff_ffff, device = '', length = text.length } = {},
  ): this {
    const id = this.#next++ & ((1n << 62n) - 1n);
    const index = Number(id % (1n << BigInt(this.#countBits)));
    if (this.#next - this.#tail > 1n << BigInt(this.#countBits)) this.#tail++;
    const ring = 1 << this.#sizeBits;
    let begin = this.#position;
    let end = begin + 8 + Math.ceil(text.length / 8) * 8;
    const wraps = Math.floor(begin / ring) !== Math.floor((this.#exactEnd ? end - 1 : end) / ring);
    if (wraps) end = (Math.floor(begin / ring) + 1) * ring + 8 + Math.ceil(text.length / 8) * 8;
    const start = wraps ? 0 : begin % ring;
    if (dataless) begin = end = 3;
    else {
      this.#position = end;
      new DataView(this.#text.buffer).setBigUint64(start, id, true);
      this.#text.set(encode(text), start + 8);
    }
    const descriptor = index * 24;
    this.#descriptors
      .patch(descriptor, (flags << 62n) | id, 8)
      .patch(descriptor + 8, begin, 8)
      .patch(descriptor + 16, end, 8);
    const at = index * INFO_SIZE;
    this.#infos
      .patch(at, id, 8)
      .patch(at + 8, id * 1_000_000n, 8)
      .patch(at + 16, length, 2)
      .patch(at + 18, 0, 1);
    this.#infos.patch(at + 19, (level << 5) | 1, 1).patch(at + 20, caller, 4);
    for (const [offset, byte] of encode(device.padEnd(16, '\0')).entries())
      this.#infos.patch(at + 24 + offset, byte, 1);
    return this;
  }

  build(): RingLayout {
    return {
      countBits: this.#countBits,
      sizeBits: this.#sizeBits,
      descriptors: this.#descriptors.build(),
      descriptorSize: 24,
      stateOffset: 0,
      beginOffset: 8,
      nextOffset: 16,
      infos: this.#infos.build(),
      infoSize: INFO_SIZE,
      info: {
        sequence: 0,
        time: 8,
        textLength: 16,
        facility: 18,
        caller: 20,
        device: 24,
        subsystemSize: 16,
        deviceSize: 48,
      },
      text: this.#text,
      tailId: this.#tail,
      headId: this.#next - 1n,
    };
  }
}

const texts = (ring: Ring): (string | undefined)[] =>
  parseRingBuffer(ring.build()).records.map((record) => record.text);

describe('the ring', () => {
  it('has records with all that is known of them', () => {
    const ring = new Ring(4, 10).add('Linux version', { level: 5, caller: 0x8000_0001, device: 'pci' }).add('second');
    expect(parseRingBuffer(ring.build()).records).toEqual([
      {
        sequence: 0n,
        time: 0n,
        facility: 0,
        level: 5,
        caller: 0x8000_0001,
        text: 'Linux version',
        dictionary: ['SUBSYSTEM=pci'],
      },
      { sequence: 1n, time: 1_000_000n, facility: 0, level: 6, caller: undefined, text: 'second', dictionary: [] },
    ]);
  });

  it('gives the oldest first when descriptors and data have wrapped many times', () => {
    for (const exactEnd of [false, true]) {
      for (const firstId of [0n, (1n << 62n) - 24n]) {
        const ring = new Ring(3, 8, firstId, exactEnd);
        const written = Array.from({ length: 60 }, (_, index) => `message ${index}${'.'.repeat((index * 7) % 12)}`);
        for (const text of written) ring.add(text);
        // As many as there are descriptors; the data of the oldest may have been written over.
        expect(texts(ring).slice(-5)).toEqual(written.slice(-5));
        expect(texts(ring)).toHaveLength(8);
      }
    }
  });

  it('stores a block that would cross the end at the start', () => {
    const ring = new Ring(4, 7).add('x'.repeat(80)).add('this one wraps around');
    expect(texts(ring)).toEqual(['x'.repeat(80), 'this one wraps around']);
  });

  it('takes a block that ends exactly at the end, as either kernel writes it', () => {
    for (const exactEnd of [false, true]) {
      expect(texts(new Ring(4, 7, 0n, exactEnd).add('a'.repeat(56)).add('b'.repeat(56)))).toContain('b'.repeat(56));
    }
    expect(texts(new Ring(4, 7, 0n, true).add('a'.repeat(56)).add('b'.repeat(56)))).toEqual([
      'a'.repeat(56),
      'b'.repeat(56),
    ]);
  });

  it('has empty records for blocks without data', () => {
    expect(texts(new Ring(4, 8).add('a').add('', { dataless: true }).add('b'))).toEqual(['a', '', 'b']);
  });

  it('leaves out what is reserved or may be used again, and takes what is committed', () => {
    const ring = new Ring(4, 8)
      .add('reused', { flags: REUSABLE })
      .add('done')
      .add('open', { flags: COMMITTED })
      .add('writing', { flags: RESERVED });
    expect(texts(ring)).toEqual(['done', 'open']);
  });

  it('leaves out descriptors of another round', () => {
    const ring = new Ring(2, 8).add('old').add('new').build();
    expect(parseRingBuffer({ ...ring, headId: 5n, tailId: 4n }).records).toEqual([]);
  });

  it('never shows more than a record’s own block', () => {
    const ring = new Ring(4, 8).add('short', { length: 60 }).add('the neighbour');
    expect(texts(ring)[0]).not.toContain('neighbour');
  });

  it('never does worse than an error of the family, whatever its bytes', () => {
    const ring = new Ring(4, 8);
    for (let index = 0; index < 30; index++) ring.add(`message ${index}`);
    const whole = ring.build();
    for (const seed of seeds(3000)) {
      const random = randomFrom(seed);
      const damaged: RingLayout = {
        ...whole,
        descriptors: mutate(whole.descriptors, random),
        infos: mutate(whole.infos, random),
        text: mutate(whole.text, random),
        tailId: random() < 0.2 ? BigInt(below(random, 1 << 30)) << 34n : whole.tailId,
      };
      survives(seed, () => {
        expect(parseRingBuffer(damaged).records.length).toBeLessThanOrEqual(16);
      });
    }
  });
});
