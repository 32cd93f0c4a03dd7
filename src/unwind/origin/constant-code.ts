/** The functions in which a constant stands, without decoding those that do not have its bytes. */

import type { VirtAddr } from '../../base/addr.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { WORD } from '../code/formula.ts';
import type { FunctionCode } from '../code/function-code.ts';
import type { Functions } from '../code/functions.ts';

/** Of one module. */
const MOST_FUNCTIONS = 2000;

/** Among the functions of the module that an address is in; none of the kernel's own, which are too many. */
export function* moduleCodeWith(
  kernel: Kernel,
  functions: Functions,
  inside: VirtAddr,
  constant: bigint,
): Generator<FunctionCode> {
  const { source } = functions;
  let looked = 0;
  for (const { address } of kernel.modules().textAt(inside)?.symbols()?.all() ?? []) {
    const range = source.rangeAt(address);
    if (range?.start !== address) continue;
    if (++looked > MOST_FUNCTIONS) return;
    const bytes = source.read(range.start, Number(range.end - range.start));
    if (bytes === undefined || !hasConstant(bytes, constant)) continue;
    const code = functions.startingAt(address);
    if (code !== undefined) yield code;
  }
}

/** As an immediate operand of eight bytes, or of the four that are extended to them. */
function hasConstant(bytes: Uint8Array, constant: bigint): boolean {
  const wanted = Array.from({ length: WORD / 2 }, (_, index) => Number((constant >> BigInt(8 * index)) & 0xffn));
  const [first = 0] = wanted;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1))
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return true;
  return false;
}
