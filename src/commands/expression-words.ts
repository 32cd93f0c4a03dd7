/** The C expression that the words of a command make. */

import { LookupError, UsageError } from '../base/errors.ts';

export interface WrittenExpression {
  readonly text: string;
  /** It stands in quotes as a whole, which keep | and > from the command line. */
  readonly quoted: boolean;
}

export function expressionIn(words: readonly string[]): WrittenExpression {
  const whole = words.join(' ');
  const inner = /^"([^"]*)"$/.exec(whole)?.[1];
  return { text: inner ?? whole, quoted: inner !== undefined };
}

/** @throws what `evaluate` throws; where that knows no name in quotes, they may have been meant for a text in C */
export function evaluateWritten<T>({ text, quoted }: WrittenExpression, evaluate: (text: string) => T): T {
  try {
    return evaluate(text);
  } catch (error) {
    if (!quoted || !(error instanceof LookupError)) throw error;
    throw new UsageError(`${error.message} (what is in quotes is an expression: a dump has no place for a text)`);
  }
}
