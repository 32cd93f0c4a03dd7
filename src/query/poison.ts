/** Values that the kernel writes where nothing may be read any more, or not yet: include/linux/poison.h. */

/** Of a word, or of a pointer with the offset of a member added. Undefined of any other value. */
export function poisonOf(value: bigint): string | undefined {
  const upper = value >> 16n;
  if (upper === 0x6b6b_6b6b_6b6bn) return 'memory of a freed object';
  if (upper === 0x5a5a_5a5a_5a5an) return 'memory of an object that was not initialized';
  if (value >> 12n === 0xdead_0000_0000_0n) return 'the link of a list entry that was deleted';
  return undefined;
}
