/** Little-endian words of any width in a run of bytes. */

/** The unsigned word of `unit` bytes (1, 2, 4, 8) at a position. */
export function wordAt(view: DataView, at: number, unit: number): bigint {
  switch (unit) {
    case 1:
      return BigInt(view.getUint8(at));
    case 2:
      return BigInt(view.getUint16(at, true));
    case 4:
      return BigInt(view.getUint32(at, true));
    default:
      return view.getBigUint64(at, true);
  }
}

/** Every whole word of `unit` bytes, in order. */
export function wordsOf(bytes: Uint8Array, unit: number): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words: bigint[] = [];
  for (let at = 0; at + unit <= bytes.length; at += unit) words.push(wordAt(view, at, unit));
  return words;
}
