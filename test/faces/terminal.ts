/**
 * A terminal in which a program runs: util-linux's `script` makes it, what is typed goes in through a pipe. Every wait
 * is bounded, and says what was on the screen when it was in vain.
 */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';

const PATIENCE = 30_000;

export const keys = { tab: '\t', enter: '\r', up: '\u001b[A', controlC: '\u0003', controlD: '\u0004' } as const;

export class Terminal implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<unknown>;
  /** What came since the last wait that was fulfilled. */
  #screen = '';
  #changed: () => void = () => undefined;

  /** @param line for the shell, which it replaces */
  constructor(line: string, env: Readonly<Record<string, string>>) {
    const command = `stty rows 24 cols 80; exec ${line}`;
    this.#child = spawn('script', ['-q', '-e', '-c', command, '/dev/null'], {
      env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm', ...env },
      detached: true,
    });
    this.#closed = once(this.#child, 'close').catch(() => undefined);
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#screen += text;
      this.#changed();
    });
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /** What came up to the text, which is awaited and taken off the screen. */
  async see(wanted: string | RegExp): Promise<string> {
    const pattern = typeof wanted === 'string' ? new RegExp(wanted.replace(/[^\w\s]/g, '\\$&')) : wanted;
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const found = pattern.exec(this.#screen);
      if (found !== null) {
        const end = found.index + found[0].length;
        const before = this.#screen.slice(0, end);
        this.#screen = this.#screen.slice(end);
        return before;
      }
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(
          `${String(wanted)} did not come; the screen has:\n${JSON.stringify(this.#screen.slice(-2000))}`,
        );
      await Promise.race([
        new Promise<void>((resolve) => (this.#changed = resolve)),
        new Promise<void>((resolve) => setTimeout(resolve, Math.min(left, 200)).unref()),
      ]);
    }
  }

  /** What is on the screen when nothing has come for a while. */
  async rest(): Promise<string> {
    let before: string;
    do {
      before = this.#screen;
      await new Promise((resolve) => setTimeout(resolve, 300));
    } while (before !== this.#screen);
    return this.#screen;
  }

  /** The exit status of the program. */
  async end(): Promise<number | null> {
    const timer = setTimeout(() => this.#kill(), PATIENCE);
    await this.#closed;
    clearTimeout(timer);
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.#closed;
  }

  #kill(): void {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    process.kill(-this.#child.pid, 'SIGKILL');
  }
}
