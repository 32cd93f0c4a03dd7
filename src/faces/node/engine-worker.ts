/** The engine's thread: opens the dump it is started with, then answers requests. The other end is engine-client.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import { checkCancelled, watchCancelFlag } from '../../base/cancel.ts';
import { InternalError } from '../../base/errors.ts';
import { nothing, type Completion } from '../../commands/complete.ts';
import { LocalEngine, type EngineRequest } from './engine.ts';
import { failureOf } from './failure.ts';
import type { Reply, Request, Start } from './protocol.ts';

if (parentPort === null) throw new InternalError('engine-worker.js is started by vmscope, not by hand');
const port = parentPort;
let goOn: (() => void) | undefined;

function reply(message: Reply): void {
  port.postMessage(message);
}

async function open({ options, cancelFlag }: Start): Promise<void> {
  watchCancelFlag(new Int32Array(cancelFlag));
  let engine: LocalEngine;
  try {
    engine = await LocalEngine.open(options, {
      warn: (message) => reply({ kind: 'warning', message }),
      busy: () => reply({ kind: 'busy' }),
    });
  } catch (error) {
    reply({ kind: 'not-opened', failure: failureOf(error) });
    return;
  }
  port.on('message', (request: Request) => answer(engine, request));
  reply({ kind: 'opened', opened: engine.opened });
}

function answer(engine: LocalEngine, request: Request): void {
  switch (request.kind) {
    case 'run':
      void run(engine, request.request);
      return;
    case 'more':
      goOn?.();
      return;
    case 'complete':
      reply({ kind: 'completion', id: request.id, completion: complete(engine, request.line) });
      return;
  }
}

async function run(engine: LocalEngine, request: EngineRequest): Promise<void> {
  try {
    const output = engine.run(request);
    let step = await output.next();
    while (step.done !== true) {
      const asked = new Promise<void>((resolve) => (goOn = resolve));
      reply({ kind: 'output', text: step.value });
      await asked;
      checkCancelled();
      step = await output.next();
    }
    reply({ kind: 'done', ending: step.value });
  } catch (error) {
    reply({ kind: 'failed', failure: failureOf(error) });
  }
}

/** A completion that fails offers nothing; the command itself will say why. */
function complete(engine: LocalEngine, line: string): Completion {
  try {
    return engine.complete(line);
  } catch {
    return nothing;
  }
}

const start: Start = workerData;
await open(start);
