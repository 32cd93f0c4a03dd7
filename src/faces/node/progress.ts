/** How far a long work is, on standard error: a bar that is drawn anew on a terminal, a line now and then elsewhere. */

import { isatty } from 'node:tty';
import { sizeText, timeText } from './amounts.ts';
import { writeFully } from './write-fully.ts';

const LINE_MILLISECONDS = 5_000;
const CLEAR_LINE = '\r\u001b[K';
const LONGEST_BAR = 40;
const DEFAULT_COLUMNS = 80;

export interface Screen {
  readonly isTerminal: boolean;
  /** Of a terminal; undefined where it does not tell. */
  readonly columns: number | undefined;
  write(text: string): void;
}

export function standardErrorScreen(): Screen {
  const isTerminal = isatty(2);
  return {
    isTerminal,
    get columns() {
      return isTerminal ? process.stderr.columns : undefined;
    },
    write(text) {
      try {
        writeFully(2, text);
      } catch {
        // Nobody looks any more; the work goes on.
      }
    },
  };
}

export class Progress {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #begin: number;
  #lastLine: number;
  #drawn = false;

  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
    this.#begin = now();
    this.#lastLine = this.#begin;
  }

  update(done: number, total: number): void {
    if (total <= 0) return;
    const part = Math.min(1, done / total);
    if (this.#screen.isTerminal) {
      this.#drawn = true;
      this.#screen.write(CLEAR_LINE + this.#bar(part, this.#text(part, done, total)));
      return;
    }
    if (this.#now() - this.#lastLine < LINE_MILLISECONDS) return;
    this.#lastLine = this.#now();
    this.#screen.write(`${this.#text(part, done, total).trim()}\n`);
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#drawn) this.#screen.write(CLEAR_LINE);
    this.#drawn = false;
  }

  #text(part: number, done: number, total: number): string {
    const elapsed = this.#now() - this.#begin;
    const rate = elapsed > 0 ? done / (elapsed / 1000) : 0;
    const left = part > 0 && elapsed > 1000 ? `  ${timeText((elapsed * (1 - part)) / part)} left` : '';
    const percent = `${Math.floor(part * 100)}`.padStart(3);
    return `${percent} %  ${sizeText(Math.min(done, total))} of ${sizeText(total)}  ${sizeText(Math.round(rate))}/s${left}`;
  }

  #bar(part: number, text: string): string {
    const columns = this.#screen.columns ?? DEFAULT_COLUMNS;
    const length = Math.min(LONGEST_BAR, columns - text.length - 4);
    if (length < 5) return text.slice(0, columns - 1);
    const full = Math.round(part * length);
    return `[${'#'.repeat(full)}${'-'.repeat(length - full)}] ${text}`;
  }
}
