/** Lists of ranges and locations that end where they say so: read through a window that grows until the list is whole. */

import { FormatError } from '../../base/errors.ts';
import type { Unit } from './unit.ts';

const WINDOW = 512;

/**
 * Runs `parse` over the bytes of a section from an offset on. Reads past the end of the window are FormatErrors of
 * "data" and lead to a longer one; any other is of the list itself. `parse` may be called again with more bytes.
 */
export function withGrowingWindow<T>(unit: Unit, name: string, offset: number, parse: (bytes: Uint8Array) => T): T {
  const section = unit.sections.required(name);
  for (let length = WINDOW; ; length *= 8) {
    const bytes = section.bytesUpTo(offset, length);
    try {
      return parse(bytes);
    } catch (error) {
      if (!(error instanceof FormatError) || error.section !== 'data' || bytes.length < length) throw error;
    }
  }
}
