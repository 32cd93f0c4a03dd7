/** Asks several servers at once; the first that has the file gives it, the others are let go. */

import type { IncomingMessage } from 'node:http';
import { get, HttpProblem } from './http.ts';
import type { Settings } from './settings.ts';
import { stoppable, Watch } from './watch.ts';

export interface Question {
  readonly server: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly question: Question;
  readonly response: IncomingMessage;
  /** Watches over the rest of it. */
  readonly watch: Watch;
}

export interface Refusal {
  readonly server: string;
  readonly problem: HttpProblem;
}

/**
 * The first server that has it, or why none has.
 * @param stop ends everything
 */
export async function firstAnswer(
  questions: readonly Question[],
  { timeoutMilliseconds, environment }: Pick<Settings, 'timeoutMilliseconds' | 'environment'>,
  stop: AbortSignal,
): Promise<{ readonly answer: Answer | undefined; readonly refusals: readonly Refusal[] }> {
  const refusals: Refusal[] = [];
  const watches: Watch[] = [];
  const ask = async (question: Question): Promise<Answer> => {
    const watch = new Watch(timeoutMilliseconds, stop);
    watches.push(watch);
    try {
      const response = await stoppable(get(question.url, question.headers, watch.signal, environment), watch);
      const problem = problemOf(response);
      if (problem === undefined) return { question, response, watch };
      response.destroy();
      throw problem;
    } catch (error) {
      watch.end();
      if (!(error instanceof HttpProblem)) throw error;
      refusals.push({ server: question.server, problem: error });
      throw error;
    }
  };
  try {
    const answer = await Promise.any(questions.map(ask));
    for (const watch of watches) if (watch !== answer.watch) watch.cancel();
    return { answer, refusals };
  } catch (error) {
    if (error instanceof AggregateError) {
      const bug: unknown = error.errors.find((one) => !(one instanceof HttpProblem));
      if (bug === undefined) return { answer: undefined, refusals };
      throw bug;
    }
    throw error;
  }
}

const statusTexts: Readonly<Record<number, string>> = {
  401: 'wants a password (401)',
  403: 'does not allow it (403)',
  404: 'has no such file (404)',
  406: 'says that the file is larger than $DEBUGINFOD_MAXSIZE (406)',
  416: 'has another file than the one that was begun (416)',
  503: 'is not available now (503)',
};

function problemOf(response: IncomingMessage): HttpProblem | undefined {
  const status = response.statusCode ?? 0;
  const encoding = response.headers['content-encoding'];
  if (status !== 200 && status !== 206)
    return new HttpProblem(statusTexts[status] ?? `answers with status ${status}`, status);
  if (encoding !== undefined && encoding !== 'identity')
    return new HttpProblem(`sends it packed (${encoding}), which was not asked for`);
  return undefined;
}
