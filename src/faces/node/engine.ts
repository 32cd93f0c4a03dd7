/**
 * The engine as the faces of Node use it: commands in, text out, piece by piece as it is asked for. It runs in the
 * thread of its caller; engine-client.ts is the same in a thread of its own.
 *
 * NeedResource is met here: the thing is brought (resources.ts) and the command runs again. A target is immutable, so the results
 * come again as they were, and those that were given already are skipped: what was printed stays right.
 */

import { checkCancelled } from '../../base/cancel.ts';
import { Cancelled, InternalError, NeedResource, VmcoreError } from '../../base/errors.ts';
import type { Command } from '../../commands/command.ts';
import { complete, type Completion } from '../../commands/complete.ts';
import { invocationOf, runCommand, type Invocation } from '../../commands/run.ts';
import { Session } from '../../commands/session.ts';
import type { Result } from '../../query/result.ts';
import { toJson } from '../../render/json.ts';
import { lineBetween, renderText } from '../../render/text/index.ts';
import type { ZeroedPages } from '../../memory/physical-memory.ts';
import { openTarget } from '../../target/target.ts';
import { errorJson, escapeJson, failureOf } from './failure.ts';
import { debuginfodServers } from './debuginfod/servers.ts';
import { Resources, type ResourceListener } from './resources.ts';
import { tellFilesApart } from './tell-files-apart.ts';
import { writeNewFile } from './write-new-file.ts';

export interface EngineOptions {
  readonly files: readonly string[];
  readonly moduleFolders: readonly string[];
  readonly debugFolders: readonly string[];
  readonly sourceFolders: readonly string[];
  readonly strict: boolean;
  /** The servers that --debuginfod names, empty where it names none; undefined where it was not given. */
  readonly debuginfod: string | undefined;
  /** False: the dump alone is read. */
  readonly lookForFiles?: boolean;
  /** In bytes; undefined for the usual amount. */
  readonly cacheBytes?: number | undefined;
  readonly zeroExcluded?: boolean;
}

export type Format = 'text' | 'json';

export interface EngineRequest {
  /** As it was typed. */
  readonly line: string;
  readonly words: readonly string[];
  readonly format: Format;
}

/** What a face is told of the dump that was opened. */
export interface Opened {
  readonly warnings: readonly string[];
  /** The files of the dump and its vmlinux: no command may write over them. */
  readonly paths: readonly string[];
}

/** How a command ended. `failed`: in JSON, where its line tells of the results before the failure and of it. */
export type Ending = 'answered' | 'quit' | 'failed';

export interface Engine {
  readonly opened: Opened;
  /** The output of a command. Nothing is computed before it is asked for. Throws what the command throws. */
  run(request: EngineRequest): AsyncGenerator<string, Ending, void>;
}

/** In characters: what one piece of output holds at least. */
const PIECE = 1 << 16;
/** Who waits for a slow command sees its first results after this long. */
const PATIENCE_MILLISECONDS = 100;

export class LocalEngine implements Engine {
  readonly opened: Opened;
  readonly #session: Session;
  readonly #resources: Resources;
  readonly #warn: (message: string) => void;

  private constructor(session: Session, resources: Resources, warn: (message: string) => void) {
    const { target } = session.kernel;
    this.opened = {
      warnings: target.warnings,
      paths: [...target.image.paths, ...(target.vmlinux.path === undefined ? [] : [target.vmlinux.path])],
    };
    this.#session = session;
    this.#resources = resources;
    this.#warn = warn;
  }

  /** @throws OpenError, FormatError where the dump cannot be opened */
  static async open(options: EngineOptions, listener: ResourceListener): Promise<LocalEngine> {
    const { files, moduleFolders, debugFolders, sourceFolders, strict, debuginfod, zeroExcluded = false } = options;
    const { lookForFiles = true } = options;
    const folders = { moduleFolders, debugFolders, sourceFolders, lookForFiles };
    const memory = { zeroExcluded, ...(options.cacheBytes === undefined ? {} : { cacheBytes: options.cacheBytes }) };
    const resources = new Resources(listener, debuginfodServers(debuginfod, process.env));
    const named = tellFilesApart(files);
    const session = await resources.run(
      () => new Session(openTarget(resources.host, { ...named, ...folders, memory })),
    );
    session.strict = strict;
    return new LocalEngine(session, resources, listener.warn);
  }

  complete(line: string): Completion {
    return complete(this.#session, line);
  }

  async *run({ line, words, format }: EngineRequest): AsyncGenerator<string, Ending, void> {
    const invocation = invocationOf(words);
    const { command } = invocation;
    const results = this.#results(invocation);
    const zeroed = (): ZeroedPages => this.#session.kernel.target.physical.takeZeroed();
    if (format === 'json') {
      if (yield* jsonOf(line, command, results, zeroed)) return 'failed';
    } else {
      try {
        yield* textOf(results);
      } finally {
        const warning = zeroedText(zeroed());
        if (warning !== undefined) this.#warn(warning);
      }
    }
    return command.name === 'quit' ? 'quit' : 'answered';
  }

  async *#results(invocation: Invocation): AsyncGenerator<Result, void, void> {
    let given = 0;
    for (;;) {
      try {
        let index = 0;
        for (const result of runCommand(this.#session, invocation)) {
          if (++index <= given) continue;
          given = index;
          this.#resources.tellProblems();
          if (result.type === 'raw-memory') writeNewFile(result.path, result.bytes);
          yield result;
        }
        this.#resources.tellProblems();
        return;
      } catch (error) {
        if (!(error instanceof NeedResource)) {
          this.#resources.tellProblems(error);
          throw error;
        }
        await this.#resources.bring(error);
      }
    }
  }
}

/** What came before an error is given before it is thrown. */
async function* textOf(results: AsyncIterable<Result>): AsyncGenerator<string, void, void> {
  let text = '';
  let since = performance.now();
  let failure: { readonly error: unknown } | undefined;
  let previous: Result | undefined;
  try {
    for await (const result of results) {
      if (previous !== undefined) for (const line of lineBetween(previous, result)) text += `${line}\n`;
      previous = result;
      for (const line of renderText(result)) {
        text += `${line}\n`;
        if (text.length < PIECE) continue;
        yield text;
        checkCancelled();
        text = '';
        since = performance.now();
      }
      if (text !== '' && performance.now() - since > PATIENCE_MILLISECONDS) {
        yield text;
        checkCancelled();
        text = '';
        since = performance.now();
      }
    }
  } catch (error) {
    failure = { error };
  }
  if (text !== '') yield text;
  if (failure !== undefined) throw failure.error;
}

/** What is kept of an answer may serve the next: once pages were read as zero, every answer may rest on them. */
function zeroedText({ now, ever }: ZeroedPages): string | undefined {
  if (ever === 0) return undefined;
  const text = (count: number): string => (count === 1 ? '1 page' : `${count} pages`);
  return now > 0
    ? `read as zero, since the dump leaves it out: ${text(now)}; what rests on that is not known`
    : `this answer may rest on what was read as zero before, since the dump leaves it out: ${text(ever)}`;
}

function spoilsOnlyTheRest(error: unknown): boolean {
  return error instanceof VmcoreError && !(error instanceof Cancelled) && !(error instanceof InternalError);
}

/** One line, begun when the last result is there. Gives whether the command failed behind results: it then has both. */
async function* jsonOf(
  line: string,
  command: Command,
  results: AsyncIterable<Result>,
  zeroed: () => ZeroedPages,
): AsyncGenerator<string, boolean, void> {
  const parts: string[] = [];
  /** What was said behind the one result of a command. */
  const notes: string[] = [];
  let type: string | undefined;
  let error = '';
  try {
    for await (const result of results) {
      if (!command.many && parts.length > 0 && result.type === 'note') {
        notes.push(result.message);
        continue;
      }
      if (type === undefined || type === 'note') type = result.type;
      parts.push(escapeJson(JSON.stringify(toJson(result))));
    }
  } catch (cause) {
    if (parts.length === 0 || !spoilsOnlyTheRest(cause)) throw cause;
    error = `"error":${errorJson(failureOf(cause))},`;
  }
  const ok = error === '';
  const pages = zeroed();
  const mark = pages.ever === 0 ? '' : `"zeroedPages":${JSON.stringify(pages)},`;
  const remarks = notes.length === 0 ? '' : `"notes":${escapeJson(JSON.stringify(notes))},`;
  const head = `{"command":${JSON.stringify(line)},"type":${JSON.stringify(type ?? 'none')},"ok":${ok},${error}${mark}${remarks}"result":`;
  let text = command.many ? `${head}[` : head + (parts[0] ?? 'null');
  for (const [index, part] of command.many ? parts.entries() : []) {
    text += index === 0 ? part : `,${part}`;
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  yield `${text}${command.many ? ']' : ''}}\n`;
  return !ok;
}
