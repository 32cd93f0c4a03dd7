/**
 * Runs lines as they were typed: the command in the engine, its output into its sink, a shell line in the shell.
 * The prompt and one-shot runs differ only in the engine's thread and in the screen.
 */

import { assertNever } from '../../base/errors.ts';
import { parseLine, splitCommands, type Sink as SinkForm } from '../../commands/line.ts';
import type { Engine, Format } from './engine.ts';
import { failureJson, failureOf, failureText, type Failure } from './failure.ts';
import { FileSink, type Sink } from './sinks.ts';
import { OutputError } from './write-fully.ts';

export interface Surroundings {
  readonly format: Format;
  /** Where output goes that is not sent elsewhere: a new one a command. */
  readonly screen: () => Sink;
  /** A message about a command that failed. */
  readonly complain: (message: string) => void;
  /** Whether a shell command may read what we read from: not where that holds our commands. */
  readonly shellReads: boolean;
}

export type Outcome = 'answered' | 'failed' | 'quit';

/** What a shell gives that could not run a command. */
const CANNOT_RUN = 126;

export class LineRunner {
  readonly #engine: Engine;
  readonly #surroundings: Surroundings;

  constructor(engine: Engine, surroundings: Surroundings) {
    this.#engine = engine;
    this.#surroundings = surroundings;
  }

  /** The outcome of one command. It never throws for what a command, a file or a shell did. */
  async run(line: string): Promise<Outcome> {
    try {
      return await this.#run(line);
    } catch (error) {
      // In JSON too: the line that would tell it has no place to go.
      if (!(error instanceof OutputError)) throw error;
      this.#surroundings.complain(`vmscope: ${error.message}`);
      return 'failed';
    }
  }

  async #run(line: string): Promise<Outcome> {
    let words: readonly string[] = [];
    try {
      const parsed = parseLine(line);
      if (parsed.kind === 'nothing') return 'answered';
      if (parsed.kind === 'shell') return await this.#shell(line, parsed.command);
      ({ words } = parsed);
      return await this.#command(line, words, parsed.sink);
    } catch (error) {
      if (error instanceof OutputError) throw error;
      await this.#fail(line, words[0], failureOf(error));
      return 'failed';
    }
  }

  async #command(line: string, words: readonly string[], form: SinkForm): Promise<Outcome> {
    const sink = await this.#sinkFor(form);
    const output = this.#engine.run({ line, words, format: this.#surroundings.format });
    let answered = false;
    try {
      let step = await output.next();
      while (step.done !== true) {
        if (!(await sink.write(step.value))) {
          await output.return('answered');
          return 'answered';
        }
        step = await output.next();
      }
      answered = true;
      if (step.value !== 'answered') return step.value;
    } finally {
      await output.return('answered');
      await sink.end(answered);
    }
    const status = await sink.status?.();
    return status === undefined || status < CANNOT_RUN ? 'answered' : 'failed';
  }

  async #sinkFor(form: SinkForm): Promise<Sink> {
    switch (form.kind) {
      case 'screen':
        return this.#surroundings.screen();
      case 'file':
        return new FileSink(form.path, form.append, this.#engine.opened.paths);
      case 'pipe': {
        const { ProcessSink, startShell } = await import('./process-sink.ts');
        return new ProcessSink(() => startShell(form.command, ['pipe', 'inherit', 'inherit']));
      }
      default:
        return assertNever(form);
    }
  }

  /** In JSON our output holds a line a command and nothing else: what the shell prints goes to standard error. */
  async #shell(line: string, command: string): Promise<Outcome> {
    const { format, shellReads, screen } = this.#surroundings;
    const { exitOf, startShell } = await import('./process-sink.ts');
    const stdio = [shellReads ? 'inherit' : 'ignore', format === 'json' ? 2 : 'inherit', 'inherit'] as const;
    const status = await exitOf(startShell(command === '' ? (process.env['SHELL'] ?? '/bin/sh') : command, [...stdio]));
    if (format === 'json') {
      const sink = screen();
      await sink.write(`${JSON.stringify({ command: line, type: 'shell', ok: status === 0, result: { status } })}\n`);
      await sink.end(true);
    }
    return status === 0 ? 'answered' : 'failed';
  }

  async #fail(line: string, command: string | undefined, failure: Failure): Promise<void> {
    const { format, screen, complain } = this.#surroundings;
    if (format === 'json') {
      const sink = screen();
      await sink.write(failureJson(line, failure));
      await sink.end(true);
      if (failure.code === 'internal') complain(failureText(failure));
      return;
    }
    const text = failureText(failure);
    const named =
      command === undefined || failure.code === 'internal' || failure.code === 'cancelled' || isCommandLookup(failure);
    complain(named || text.startsWith(`${command}:`) || text.startsWith(`${command} `) ? text : `${command}: ${text}`);
  }
}

/** "command not found: foo" needs no name before it. */
function isCommandLookup(failure: Failure): boolean {
  return failure.code === 'lookup' && failure.details['what'] === 'command';
}

/** The commands of a line as it was typed; a comment is none, whatever is in it. */
export function commandsOf(line: string): readonly string[] {
  const text = line.trim();
  return text.startsWith('#') || text.startsWith('//') ? [] : splitCommands(text);
}
