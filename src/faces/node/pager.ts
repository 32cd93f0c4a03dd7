/**
 * The screen of the prompt: output that fits is printed when the command ends, longer output goes through a pager,
 * started when the screen is full. A pager that quits ends the command.
 */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ProcessSink, startShell } from './process-sink.ts';
import type { Sink } from './sinks.ts';

export interface Screen {
  readonly rows: number;
  readonly columns: number;
  write(text: string): void;
}

/** One row stays free for the prompt. */
const ROWS_KEPT_FREE = 1;
const CANNOT_RUN = 126;

export class PagedScreen implements Sink {
  readonly #screen: Screen;
  readonly #command: string | undefined;
  #held = '';
  #rows = 0;
  #pager: ProcessSink | undefined;

  /** @param command the pager, as the user's shell takes it; undefined where there is none */
  constructor(screen: Screen, command: string | undefined) {
    this.#screen = screen;
    this.#command = command;
  }

  write(text: string): boolean | Promise<boolean> {
    if (this.#pager !== undefined) return this.#pager.write(text);
    const command = this.#command;
    if (command === undefined) {
      this.#screen.write(text);
      return true;
    }
    this.#held += text;
    this.#rows += rowsOf(text, this.#screen);
    if (this.#rows <= this.#screen.rows - ROWS_KEPT_FREE) return true;
    this.#pager = new ProcessSink(() => startPager(command));
    return this.#pager.write(this.#held);
  }

  async end(answered: boolean): Promise<void> {
    await this.#pager?.end(answered);
    const status = await this.#pager?.status();
    if (this.#pager === undefined || (status !== undefined && (status === CANNOT_RUN || status === CANNOT_RUN + 1))) {
      this.#screen.write(this.#held);
    }
  }
}

/** The rows a text takes, its long lines wrapped. Counting ends where they are too many. */
function rowsOf(text: string, screen: Screen): number {
  const columns = Math.max(1, screen.columns);
  let rows = 0;
  for (let start = 0; start < text.length && rows <= screen.rows;) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    rows += Math.max(1, Math.ceil((end - start) / columns));
    start = end + 1;
  }
  return rows;
}

/** less keeps what it showed on the screen and quits at once where everything fits, unless the user set LESS. */
function startPager(command: string): ReturnType<typeof startShell> {
  return startShell(command, ['pipe', 'inherit', 'inherit'], { LESS: 'FRX', ...process.env });
}

/** The user's choice, else less or more where there is one. `cat` and the empty string mean none. */
export function chosenPager(): string | undefined {
  for (const name of ['VMSCOPE_PAGER', 'CRASHPAGER', 'PAGER']) {
    const value = process.env[name];
    if (value === undefined) continue;
    const command = value.trim();
    if (command === '' || command === 'cat') return undefined;
    if (isThere(command)) return command;
  }
  return ['less', 'more'].find(isThere);
}

function isThere(command: string): boolean {
  const program = command.split(/\s+/)[0] ?? '';
  if (/[=$`"'\\();&|<>]/.test(program)) return true;
  const paths = program.includes('/')
    ? [program]
    : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program));
  return paths.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
