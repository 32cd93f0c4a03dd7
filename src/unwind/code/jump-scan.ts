/**
 * Where jumps in a piece of x86-64 code may lead, quickly: each byte is taken for the first of an instruction, so all
 * jumps that are there are found, and some that are not. Intel SDM volume 2, Jcc and JMP.
 */

/** Offsets from the start of the code that lie outside of it, and may be led to from within. */
export function possibleExits(code: Uint8Array): Set<number> {
  const exits = new Set<number>();
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const found = (target: number): void => {
    if (target < 0 || target >= code.length) exits.add(target);
  };
  for (let at = 0; at < code.length; at++) {
    const first = code[at] as number;
    if (first === 0xe9 && at + 5 <= code.length) found(at + 5 + view.getInt32(at + 1, true));
    else if (first === 0x0f && at + 6 <= code.length && ((code[at + 1] as number) & 0xf0) === 0x80)
      found(at + 6 + view.getInt32(at + 2, true));
    else if ((first === 0xeb || (first & 0xf0) === 0x70) && at + 2 <= code.length) found(at + 2 + view.getInt8(at + 1));
  }
  return exits;
}
