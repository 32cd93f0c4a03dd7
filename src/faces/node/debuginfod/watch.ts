/**
 * Watches over one transfer: a server that gives less than 100 KiB in the time the user allows is left, as all clients
 * of debuginfod do ($DEBUGINFOD_TIMEOUT).
 */

import { HttpProblem } from './http.ts';

const LEAST_BYTES = 100 << 10;

/** A server was left since it is too slow. */
export class TooSlow extends HttpProblem {}

export class Watch {
  /** Of the transfer: it ends when this is aborted. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #received = 0;
  #problem: HttpProblem | undefined;

  /** @param stop ends it, too */
  constructor(timeoutMilliseconds: number | undefined, stop: AbortSignal) {
    this.signal = AbortSignal.any([this.#controller.signal, stop]);
    if (timeoutMilliseconds === undefined) return;
    this.#timer = setInterval(() => {
      if (this.#received < LEAST_BYTES) this.#leave(timeoutMilliseconds);
      this.#received = 0;
    }, timeoutMilliseconds);
  }

  /** Why the transfer was ended, where this watch did it. */
  get problem(): HttpProblem | undefined {
    return this.#problem;
  }

  received(bytes: number): void {
    this.#received += bytes;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** Ends the transfer: nobody wants it any more. */
  cancel(): void {
    this.end();
    this.#controller.abort();
  }

  #leave(milliseconds: number): void {
    this.#problem = new TooSlow(`gave less than 100 KiB within ${milliseconds / 1000} s ($DEBUGINFOD_TIMEOUT)`);
    this.cancel();
  }
}

/** What a transfer gives; where its watch ended it, the reason is what the watch says. */
export async function stoppable<T>(transfer: Promise<T>, watch: Watch): Promise<T> {
  try {
    return await transfer;
  } catch (error) {
    throw watch.problem ?? error;
  }
}
