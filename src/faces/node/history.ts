/**
 * The lines typed at the prompt, kept from session to session: one a line, the newest last, readable by their owner
 * only. Each is appended when it is typed, so sessions side by side and ones that are killed lose nothing. Where the
 * file cannot be written there is no history, and nothing else is lost.
 */

import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const MOST_LINES = 1000;
const LONGEST_LINE = 4096;
const OWNER_ONLY = 0o600;

export class History {
  readonly #path: string;
  #last: string | undefined;

  constructor(path: string = historyPath()) {
    this.#path = path;
  }

  /** The newest first, as readline wants them. A file that has grown far is cut back. */
  load(): string[] {
    let lines: string[];
    try {
      lines = readFileSync(this.#path, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      chmodSync(this.#path, OWNER_ONLY);
    } catch {
      return [];
    }
    if (lines.length > 2 * MOST_LINES) this.#replace(lines.slice(-MOST_LINES));
    this.#last = lines.at(-1);
    return [...new Set(lines.reverse())].slice(0, MOST_LINES);
  }

  add(line: string): void {
    const text = line.trim();
    if (text === '' || text === this.#last || text.length > LONGEST_LINE || /[\r\n]/.test(text)) return;
    this.#last = text;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${text}\n`, { mode: OWNER_ONLY });
    } catch {
      // Documented above.
    }
  }

  #replace(lines: readonly string[]): void {
    const making = `${this.#path}.${process.pid}`;
    try {
      writeFileSync(making, `${lines.join('\n')}\n`, { mode: OWNER_ONLY });
      renameSync(making, this.#path);
    } catch {
      // Documented above.
    }
  }
}

/** XDG Base Directory Specification: state that outlives a session. */
export function historyPath(): string {
  const base = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return join(base, 'vmscope', 'history');
}
