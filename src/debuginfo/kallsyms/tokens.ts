/**
 * The 256 tokens that the names of kallsyms are made of: `kallsyms_token_table`, zero-terminated texts one after the
 * other, and `kallsyms_token_index`, where each begins in it (u16). Kernel scripts/kallsyms.c, write_src().
 *
 * A character that occurs in a name stands for itself; the codes that are left are texts that occur often.
 */

import { FormatError } from '../../base/errors.ts';
import { byteAt, decodeText, u16At } from '../../bytes/read.ts';

export const TOKEN_COUNT = 256;
/** Of `kallsyms_token_index`, in bytes. */
export const TOKEN_INDEX_SIZE = TOKEN_COUNT * 2;
/** The longest name (KSYM_NAME_LEN) is no token by itself. */
export const LONGEST_TOKEN = 256;
/** No table is as large. */
export const LARGEST_TOKEN_TABLE = 1 << 16;
/** Of the hash: any odd number that spreads. */
const FACTOR = 0x0100_0193;

export class Tokens {
  readonly #texts: readonly string[];
  /** By token: the hash of its text, and what the hash of what stands before it is multiplied by. */
  readonly #hashes: Int32Array;
  readonly #factors: Int32Array;
  /** By token: the hash of its text without the first character. */
  readonly #tailHashes: Int32Array;

  /** @throws FormatError where the tables are not of this format */
  constructor(table: Uint8Array, index: Uint8Array) {
    const texts: string[] = [];
    for (let token = 0; token < TOKEN_COUNT; token++) {
      const start = u16At(index, token * 2);
      const end = table.indexOf(0, start);
      if (end < start || end - start > LONGEST_TOKEN)
        throw new FormatError('kallsyms_token_table', `token ${token} does not end`, start);
      texts.push(decodeText(table.subarray(start, end)));
    }
    this.#texts = texts;
    this.#hashes = Int32Array.from(texts, (text) => hashOf(text));
    this.#factors = Int32Array.from(texts, (text) => powerOf(text.length));
    this.#tailHashes = Int32Array.from(texts, (text) => hashOf(text.slice(1)));
  }

  /** The text that compressed bytes stand for. */
  expand(bytes: Uint8Array, start: number, length: number): string {
    let text = '';
    for (let at = start; at < start + length; at++) text += this.#texts[byteAt(bytes, at)] ?? '';
    return text;
  }

  /**
   * `hashOf` the text that compressed bytes stand for without its first character, a letter that is no part of the
   * name. It is put together from the hashes of the tokens: no text is made.
   */
  hashOfName(bytes: Uint8Array, start: number, length: number): number {
    let hash = this.#tailHashes[byteAt(bytes, start)] as number;
    for (let at = start + 1; at < start + length; at++) {
      const token = byteAt(bytes, at);
      hash = (Math.imul(hash, this.#factors[token] as number) + (this.#hashes[token] as number)) | 0;
    }
    return mixed(hash);
  }
}

/** The hash by which a name is found: that of `hashOfName`. */
export function hashOfText(name: string): number {
  return mixed(hashOf(name));
}

/** A polynomial over the characters, modulo 2^32: the hash of two texts one after the other follows from theirs. */
function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, FACTOR) + text.charCodeAt(at)) | 0;
  return hash;
}

function powerOf(length: number): number {
  let power = 1;
  for (let at = 0; at < length; at++) power = Math.imul(power, FACTOR);
  return power;
}

/** The upper bits, too, choose the chain. */
function mixed(hash: number): number {
  return hash ^ (hash >>> 15);
}

/** Characters that occur in names of every kernel, and are tokens of themselves. */
const plain = new TextEncoder().encode('0123456789_abcdefghijklmnopqrstuvwxyz');
const LETTER_A = 0x61;

/** Whether a token index may begin here: texts that lie one after the other, those of plain characters one byte long. */
export function isTokenIndex(bytes: Uint8Array, at: number): boolean {
  // Most places are refused by the first two, or by the letters.
  if (at + TOKEN_INDEX_SIZE > bytes.length || bytes[at] !== 0 || bytes[at + 1] !== 0) return false;
  const begins = (token: number): number => u16At(bytes, at + token * 2);
  if (begins(LETTER_A + 1) - begins(LETTER_A) !== 2) return false;
  if (plain.some((character) => begins(character + 1) - begins(character) !== 2)) return false;
  for (let token = 1; token < TOKEN_COUNT; token++) {
    const length = begins(token) - begins(token - 1);
    if (length < 1 || length > LONGEST_TOKEN) return false;
  }
  return true;
}

/** Whether a token table that an index fits begins here. */
export function isTokenTable(bytes: Uint8Array, at: number, index: Uint8Array): boolean {
  for (const character of plain) {
    const begins = at + u16At(index, character * 2);
    if (bytes[begins] !== character || bytes[begins + 1] !== 0) return false;
  }
  for (let token = 1; token < TOKEN_COUNT; token++) if (bytes[at + u16At(index, token * 2) - 1] !== 0) return false;
  return true;
}
