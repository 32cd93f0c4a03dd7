/**
 * A line that begins with no command: the name of a type is taken for `struct`, that of a variable for `p`, that of a
 * typedef for `whatis`, as in crash.
 */

import { LookupError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import { strip } from '../debuginfo/types/type.ts';
import type { Command } from './command.ts';
import { parseOptions } from './options.ts';
import type { Session } from './session.ts';
import { commandNames, findCommand } from './table/index.ts';

export const bareName: Command = {
  name: 'name',
  aliases: [],
  summary: 'a variable or type by its bare name',
  synopsis: [],
  options: [],
  description: [],
  examples: [],
  completes: 'symbol',
  many: true,
  raw: true,
  *run(session, { words }) {
    const name = /^[A-Za-z_]\w*/.exec(words[0] ?? '')?.[0];
    const command = name === undefined ? undefined : commandFor(session, name, words.length > 1);
    if (command === undefined) {
      const wanted = words[0] ?? '';
      const suggestions = /^p(rint)?\//.test(wanted) ? ['px', 'pd'] : nearestNames(wanted, commandNames());
      throw new LookupError('command', wanted, suggestions);
    }
    yield* command.run(session, parseOptions(command, words));
  },
};

function commandFor(session: Session, name: string, hasArguments: boolean): Command | undefined {
  const { symbols, userTypes } = session.kernel;
  const isVariable = symbols.named(name).length > 0;
  if (isVariable && !hasArguments) return findCommand('p');
  const typedef = userTypes.typedef(name);
  const bare = userTypes.compound('struct', name) ?? userTypes.compound('union', name) ?? (typedef && strip(typedef));
  if (bare?.kind === 'struct' || bare?.kind === 'union') return findCommand('struct');
  if (isVariable) return findCommand('p');
  return bare === undefined ? undefined : findCommand('whatis');
}
