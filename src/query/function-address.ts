/** `function+offset/size [module]`, as the kernel prints addresses (%pS), alone or within a line of a call trace. */

import { UsageError } from '../base/errors.ts';

export interface FunctionAddress {
  /** As it was written. */
  readonly text: string;
  readonly name: string;
  readonly offset: number;
  /** Of the function, in bytes; undefined where it was not written. */
  readonly size: number | undefined;
  readonly module: string | undefined;
  /** It stood behind RIP: what it names is the instruction itself, not a return address. */
  readonly exact: boolean;
}

const number = '0x[0-9a-f]+|\\d+';
const address = new RegExp(
  `(RIP: (?:[0-9a-f]{4}:)?)?([A-Za-z_.$][\\w.$]*)\\+(${number})(?:/(${number}))?(?![\\w/+])(?: +\\[([A-Za-z_]\\w*)[^\\]]*\\])?`,
  'gi',
);
/** What else stands in the lines of a call trace: time stamps, the mark of a guessed frame, headings. */
const noise = /^(\[[^\]]*\]|\[|\d+\.\d+\]|\?|RIP:|Call|Trace:|<\/?[A-Z]+>|[0-9a-f]{4}:(0x[0-9a-f]+)?)$/i;

/** @throws UsageError for what is neither an address nor part of a call trace */
export function parseFunctionAddresses(words: readonly string[]): FunctionAddress[] {
  const text = words.join(' ');
  const found = Array.from(text.matchAll(address), ([whole, pointer, name = '', offset, size, module]) => ({
    text: whole.slice(pointer?.length ?? 0),
    name,
    offset: Number(offset),
    size: size === undefined ? undefined : Number(size),
    module,
    exact: pointer !== undefined,
  }));
  const rest = text.replaceAll(address, ' ').split(/\s+/);
  const wrong = rest.find((word) => word !== '' && !noise.test(word));
  if (wrong !== undefined)
    throw new UsageError(
      `${wrong} is no function+offset/size, as in nfs_updatepage+0x997/0xd40 (numbers: 0x… or decimal)`,
    );
  if (found.length === 0) throw new UsageError('no function+offset/size was given, as in nfs_updatepage+0x997/0xd40');
  return found;
}
