/** What is shown before the first command, as crash does: what the dump is of, and the current task. */

import type { Options } from './arguments.ts';

/** None with -s, with -c, and in JSON: there only answers are wanted. */
export function openingCommands({ silent, json, sources }: Options): readonly string[] {
  return silent || json || sources.some((source) => source.kind === 'text') ? [] : ['sys', 'set'];
}
