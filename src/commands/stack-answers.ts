/** What `bt` and `foreach bt` say of a stack: which answer, by the options that choose one, and which of them are kept. */

import { attempt, LookupError, UsageError } from '../base/errors.ts';
import { checkCancelled } from '../base/cancel.ts';
import { nearestNames } from '../base/suggest.ts';
import { backtraceOf, hiddenBacktrace, type Backtrace, type BacktraceColumns } from '../query/backtrace.ts';
import { taskExceptionFrames } from '../query/exception-frames.ts';
import type { WordColumns } from '../query/frame-words.ts';
import { rawStack } from '../query/raw-stack.ts';
import { refersTo, type Reference } from '../query/reference.ts';
import type { Result } from '../query/result.ts';
import { stackText } from '../query/stack-text.ts';
import type { StackSubject } from '../query/stack-walk.ts';
import { addressOfName, namesOf } from '../query/symbol-lookup.ts';
import type { Option } from './command.ts';
import type { ParsedArguments } from './options.ts';
import { hexAndOffset, type Session } from './session.ts';

/** How a stack is shown, whichever task it is of. */
export const stackOptions: readonly Option[] = [
  { flag: '-l', text: 'file and line of each frame on a line of its own' },
  { flag: '-s', text: 'the offset of each address in its function: name+offset' },
  { flag: '-x', text: 'offsets in hexadecimal' },
  { flag: '-d', text: 'offsets in decimal' },
  { flag: '-f', text: 'the words of each frame' },
  {
    flag: '-F',
    text: 'the words by what they point at; -FF with the address of slab objects, -FFF with what they are',
  },
  { flag: '-V', text: 'the arguments and locals of each frame; -VV follows the code for them, too' },
  { flag: '--strict', text: 'with -V: only values that are proved' },
  { flag: '-t', text: 'every address of code on the stack, from its stack pointer on' },
  { flag: '-T', text: 'every address of code on the whole stack' },
  { flag: '-e', text: 'saved registers that lie on the stack' },
  { flag: '-r', text: 'the whole stack, word by word' },
  { flag: '-R', value: 'a symbol or an address', text: 'only the stacks that show it' },
  { flag: '-o', text: "crash's older method, which lists stale addresses as well: no matter here, see -t" },
];

export const stackExclusive: readonly (readonly string[])[] = [
  ['-x', '-d'],
  ['-f', '-t', '-T', '-e', '-r'],
  ['-F', '-t', '-T', '-e', '-r'],
  ['-V', '-t', '-T', '-e', '-r'],
  ['--strict', '-t', '-T', '-e', '-r'],
  ['-l', '-t', '-T', '-r'],
  ['-s', '-e', '-r'],
  ['-R', '-e', '-r'],
];

/** The answer of each stack that is wanted, and behind them, each once, why some lack lines and inlined calls. */
export function* stackAnswers(
  session: Session,
  args: ParsedArguments,
  subjects: Iterable<StackSubject | HiddenSubject>,
): Generator<Result> {
  const answer = answerOf(session, args);
  const word = args.value('-R');
  const reference = word === undefined ? undefined : parseReference(session, word);
  const missing = new Set<string>();
  let shown = 0;
  let lost = false;
  let broken = 0;
  for (const subject of subjects) {
    checkCancelled();
    const result = 'hidden' in subject ? hiddenBacktrace(subject.subject, subject.hidden) : answer(subject);
    if (reference !== undefined && !isKept(result, reference)) {
      if (result.type === 'backtrace' && result.incomplete !== undefined) broken++;
      continue;
    }
    shown++;
    if (result.type === 'backtrace') for (const reason of result.missing) missing.add(reason);
    lost ||= result.type === 'backtrace' && mayBeFollowed(result);
    yield result;
  }
  if (word !== undefined && shown === 0) yield nothingRefersTo(session, word);
  if (broken > 0) missing.add(`stacks that are not whole, and do not show it as far as they go: ${broken}`);
  const modules = session.kernel.modules().broken;
  if (modules !== undefined) missing.add(`frames in modules may be lost: ${modules}`);
  for (const message of missing) yield { type: 'note', message };
  if (lost) yield { type: 'note', message: 'what is lost here may be known by the code: bt -VV follows it' };
  if (args.has('-o')) yield { type: 'note', message: '-o changes nothing here: -t lists what is stale, too' };
}

/** Whether values are lost that the code was not asked for. */
function mayBeFollowed({ show, frames }: Backtrace): boolean {
  if (show.variables === 'none' || show.variables.follow || !show.variables.infer) return false;
  return frames.some((frame) =>
    frame.variables?.some((scope) => scope.variables.some(({ absence }) => absence === 'lost')),
  );
}

/** A stack that is left out on purpose. */
export interface HiddenSubject {
  readonly hidden: 'idle';
  readonly subject: StackSubject;
}

function answerOf(session: Session, args: ParsedArguments): (subject: StackSubject) => Result {
  const { kernel } = session;
  const unwinder = session.unwinder();
  const columns = columnsOf(session, args);
  if (args.has('-t') || args.has('-T'))
    return (subject) => stackText(kernel, unwinder, subject, args.has('-T'), columns.offsets);
  if (args.has('-e')) return (subject) => taskExceptionFrames(kernel, unwinder, subject, args.has('-l'));
  if (args.has('-r')) return (subject) => rawStack(kernel, unwinder.stacks, subject);
  return (subject) => backtraceOf(kernel, unwinder, subject, columns);
}

function columnsOf(session: Session, args: ParsedArguments): BacktraceColumns {
  const hex = args.has('-x') || (session.radix === 16 && !args.has('-d'));
  return {
    lines: args.has('-l'),
    offsets: args.has('-s') ? (hex ? 'hex' : 'decimal') : 'none',
    radix: hex ? 16 : 10,
    words: wordColumns(args),
    variables: variableColumns(session, args),
  };
}

function variableColumns(session: Session, args: ParsedArguments): BacktraceColumns['variables'] {
  const count = args.count('-V');
  return count === 0 ? 'none' : { infer: !session.strict && !args.has('--strict'), follow: count > 1 };
}

function wordColumns(args: ParsedArguments): 'none' | WordColumns {
  switch (args.count('-F')) {
    case 0:
      return args.has('-f') ? 'numbers' : 'none';
    case 1:
      return 1;
    case 2:
      return 2;
    default:
      return 3;
  }
}

/** A name that is also a hex number is taken for both. */
function parseReference({ kernel }: Session, word: string): Reference {
  if (word === '') throw new UsageError('bt: -R wants the name of a function, or an address');
  if (kernel.symbols.named(word).length > 0) return { name: word, address: undefined };
  const address = attempt(() => addressOfName(kernel, word.replace(/^\((.*)\)$/, '$1'))) ?? hexAndOffset(word);
  return { name: word, address };
}

function isKept(result: Result, reference: Reference): boolean {
  return (result.type === 'backtrace' || result.type === 'stack-text') && refersTo(result, reference);
}

/** What is no symbol may be an inlined function that is nowhere, or a mistake. */
function nothingRefersTo(session: Session, word: string): Result {
  const { kernel } = session;
  const reference = parseReference(session, word);
  if (reference.address === undefined && kernel.symbols.named(word).length === 0) {
    const what = 'symbol, or inlined function in these stacks,';
    throw new LookupError(what, word, nearestNames(word, namesOf(kernel)));
  }
  return { type: 'note', message: `no stack refers to ${word}` };
}
