/** p, px, pd: the value of a C expression. */

import { LookupError, UnavailableError, UsageError } from '../../base/errors.ts';
import { declare } from '../../debuginfo/types/declaration.ts';
import { readCpus } from '../../kernel/cpus.ts';
import { userSpace } from '../../kernel/mm.ts';
import { typeOfVariable, whyNoType } from '../../kernel/symbol-types.ts';
import { expressionValue, type PerCpuAddresses } from '../../query/expression.ts';
import type { Result } from '../../query/result.ts';
import type { Value } from '../../values/value.ts';
import type { Command } from '../command.ts';
import { evaluateWritten, expressionIn } from '../expression-words.ts';
import { parseCpusBehind } from '../place.ts';
import { radixOf, type Session } from '../session.ts';

const options = [
  { flag: '-x', text: 'numbers in hexadecimal' },
  { flag: '-d', text: 'numbers in decimal' },
  { flag: '-u', text: 'pointers lead to the memory of the current task in user mode' },
] as const;

function printCommand(name: 'p' | 'px' | 'pd', summary: string): Command {
  const fixed = name === 'px' ? 16 : name === 'pd' ? 10 : undefined;
  return {
    name,
    aliases: name === 'p' ? ['print'] : [],
    summary,
    synopsis: [`${name}${fixed === undefined ? ' [-x | -d]' : ''} [-u] expression`, `${name} symbol:CPUs`],
    options: fixed === undefined ? options : options.slice(2),
    exclusive: [['-x', '-d']],
    description: [
      'Evaluates a C expression: casts, ->, arrays, sizeof, &, arithmetic, ?:, and names of variables, functions and enumerators. offsetof(type, member), container_of(pointer, type, member) and per_cpu(symbol, cpu) work as in the kernel; object@count shows an array; {type} address is *(type *)address; $, $1, $2 … are what was printed before, $$ and $$2 what was printed one and two values before the last. A dump is only read: there is no assignment.',
      'symbol:CPUs is a per-CPU variable on each of them: runqueues:0, runqueues:a for all. Without CPUs its addresses are shown. In a line with > or | put the expression in parentheses: (a > b).',
    ],
    examples: [
      { line: `${name} jiffies`, text: 'a variable' },
      { line: `${name} init_task.comm`, text: 'a member' },
      {
        line: `${name} ((struct task_struct *)init_task.tasks.next)->pid`,
        text: 'behind a pointer, of a type you say',
      },
      { line: `${name} sizeof(struct page)`, text: 'a size' },
      { line: `${name} process_counts:a`, text: 'a per-CPU variable on every CPU' },
    ],
    completes: 'expression',
    many: true,
    *run(session, args) {
      const format = /^\/([xd])$/.exec(args.words[0] ?? '')?.[1];
      const written = expressionIn(format === undefined ? args.words : args.words.slice(1));
      const { text } = written;
      if (text === '') throw new UsageError(`${name} wants an expression ("help ${name}")`);
      const radix = fixed ?? (format === undefined ? radixOf(session, args) : format === 'x' ? 16 : 10);
      const space = args.has('-u') ? userSpace(session.kernel, session.current) : session.kernel.memory;
      const perCpu = perCpuValues(session, text);
      if (perCpu !== undefined && !Array.isArray(perCpu)) {
        yield perCpu;
        return;
      }
      const values = perCpu ?? [
        {
          subject: isVariable(session, text) ? text : undefined,
          value: evaluateWritten(written, (expression) => session.evaluate(expression, space)),
        },
      ];
      for (const { subject, value } of values) yield shown(session, subject, value, radix, space);
    },
  };
}

export const p: Command = printCommand('p', 'the value of a C expression');
export const px: Command = printCommand('px', 'the value of a C expression, in hexadecimal');
export const pd: Command = printCommand('pd', 'the value of a C expression, in decimal');

interface NamedValue {
  readonly subject: string;
  readonly value: Value;
}

/** Of `symbol:CPUs` and `symbol.member:CPUs` the values, of a bare per-CPU symbol its addresses, else undefined. */
function perCpuValues(session: Session, text: string): NamedValue[] | PerCpuAddresses | undefined {
  const { kernel } = session;
  const [, name, path = '', wanted] = /^(\w+)((?:\.|\[|->)[\w.[\]>-]+)?(?::([\w,-]*))?$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  const symbols = kernel.symbols.named(name);
  const symbol = symbols.find((found) => kernel.perCpu.isPerCpu(found));
  if (symbol === undefined) {
    if (wanted === undefined) return undefined;
    if (symbols.length === 0) throw new LookupError('symbol', name);
    throw new UsageError(`${name} is no per-CPU symbol: there is but one`);
  }
  if (wanted !== undefined) {
    return parseCpusBehind(session, wanted).map((cpu) => {
      const subject = `per_cpu(${name}, ${cpu})${path}`;
      return { subject, value: session.evaluate(subject) };
    });
  }
  if (path !== '') return undefined;
  const type = typeOfVariable(kernel, symbol);
  if (type === undefined) throw new UnavailableError(whyNoType(kernel, symbol));
  const addresses = readCpus(kernel).possible.map((cpu) => ({ cpu, address: kernel.perCpu.at(symbol.address, cpu) }));
  return { type: 'per-cpu', declaration: declare(type, name), addresses };
}

/** crash writes the name of what is a plain symbol. */
function isVariable(session: Session, text: string): boolean {
  return /^\w+$/.test(text) && session.kernel.symbols.named(text).length > 0;
}

function shown(
  session: Session,
  subject: string | undefined,
  value: Value,
  radix: 10 | 16,
  space: Session['kernel']['memory'],
): Result {
  const number = session.values.length + 1;
  const result = expressionValue(session.kernel, space, value, { subject, number, radix });
  session.values.push(value);
  return result;
}
