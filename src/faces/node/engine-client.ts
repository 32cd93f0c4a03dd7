/** The engine in a thread of its own, so that the prompt hears Ctrl-C while a command runs. */

import { Worker } from 'node:worker_threads';
import { nothing, type Completion } from '../../commands/complete.ts';
import type { Engine, Ending, EngineOptions, EngineRequest, Opened } from './engine.ts';
import { EngineFailure, failureOf } from './failure.ts';
import type { Reply, Request, Start } from './protocol.ts';

type RunReply = Extract<Reply, { kind: 'output' | 'done' | 'failed' }>;

export class RemoteEngine implements Engine {
  readonly opened: Opened;
  readonly #thread: EngineThread;

  private constructor(thread: EngineThread, opened: Opened) {
    this.#thread = thread;
    this.opened = opened;
  }

  /**
   * @param busy is called when the thread begins to tell on standard error how far it is
   * @throws EngineFailure where the dump cannot be opened
   */
  static async open(options: EngineOptions, warn: (message: string) => void, busy: () => void): Promise<RemoteEngine> {
    const thread = new EngineThread(options, { warn, busy });
    try {
      return new RemoteEngine(thread, await thread.opened);
    } catch (error) {
      await thread.end();
      throw error;
    }
  }

  async *run(request: EngineRequest): AsyncGenerator<string, Ending, void> {
    this.#thread.clearStop();
    let next = this.#thread.nextReply();
    this.#thread.send({ kind: 'run', request });
    let running = true;
    try {
      for (;;) {
        const reply = await next;
        running = reply.kind === 'output';
        if (reply.kind === 'done') return reply.ending;
        if (reply.kind === 'failed') throw new EngineFailure(reply.failure);
        yield reply.text;
        next = this.#thread.nextReply();
        this.#thread.send({ kind: 'more' });
      }
    } finally {
      // Whoever read the output left: the command is stopped and its end awaited.
      while (running) {
        this.stop();
        next = this.#thread.nextReply();
        this.#thread.send({ kind: 'more' });
        running = (await next).kind === 'output';
      }
    }
  }

  /** Stops the running command; it then fails with `cancelled`. */
  stop(): void {
    this.#thread.stop();
  }

  /** Its thread died of a bug: no command will be answered any more. */
  get dead(): boolean {
    return this.#thread.dead;
  }

  complete(line: string): Promise<Completion> {
    return this.#thread.complete(line);
  }

  end(): Promise<void> {
    return this.#thread.end();
  }
}

interface Listener {
  readonly warn: (message: string) => void;
  readonly busy: () => void;
}

/** The thread and who waits for its next word. A thread that dies is an error to all of them. */
class EngineThread {
  readonly opened: Promise<Opened>;
  readonly #worker: Worker;
  readonly #flag: Int32Array;
  readonly #opening = new Waiting<Opened>();
  readonly #running = new Waiting<RunReply>();
  readonly #completing = new Map<number, Waiting<Completion>>();
  #completions = 0;

  constructor(options: EngineOptions, listener: Listener) {
    const cancelFlag = new SharedArrayBuffer(4);
    this.#flag = new Int32Array(cancelFlag);
    this.opened = this.#opening.next();
    const workerData: Start = { options, cancelFlag };
    this.#worker = new Worker(new URL('./engine-worker.js', import.meta.url), { workerData });
    this.#worker.on('message', (reply: Reply) => this.#hear(reply, listener));
    this.#worker.on('error', (error) => {
      for (const waiting of [this.#opening, this.#running, ...this.#completing.values()])
        waiting.fail(new EngineFailure(failureOf(error)));
    });
  }

  send(request: Request): void {
    this.#worker.postMessage(request); // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread, not a window
  }

  nextReply(): Promise<RunReply> {
    return this.#running.next();
  }

  complete(line: string): Promise<Completion> {
    if (this.dead) return Promise.resolve(nothing);
    const id = this.#completions++;
    const waiting = new Waiting<Completion>();
    const completions = waiting.next();
    this.#completing.set(id, waiting);
    this.send({ kind: 'complete', id, line });
    return completions;
  }

  get dead(): boolean {
    return this.#running.failed;
  }

  stop(): void {
    Atomics.store(this.#flag, 0, 1);
  }

  clearStop(): void {
    Atomics.store(this.#flag, 0, 0);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #hear(reply: Reply, { warn, busy }: Listener): void {
    switch (reply.kind) {
      case 'opened':
        this.#opening.give(reply.opened);
        return;
      case 'not-opened':
        this.#opening.fail(new EngineFailure(reply.failure));
        return;
      case 'warning':
        warn(reply.message);
        return;
      case 'busy':
        busy();
        return;
      case 'completion':
        this.#completing.get(reply.id)?.give(reply.completion);
        this.#completing.delete(reply.id);
        return;
      case 'output':
      case 'done':
      case 'failed':
        this.#running.give(reply);
        return;
    }
  }
}

/** One who waits for one thing. */
class Waiting<T> {
  #waiter: { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void } | undefined;
  #failure: EngineFailure | undefined;

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  next(): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => (this.#waiter = { resolve, reject }));
  }

  give(value: T): void {
    this.#waiter?.resolve(value);
    this.#waiter = undefined;
  }

  /** Whoever comes later is told, too. */
  fail(failure: EngineFailure): void {
    this.#failure = failure;
    this.#waiter?.reject(failure);
    this.#waiter = undefined;
  }
}
