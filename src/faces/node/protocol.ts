/**
 * What the prompt and the engine's thread say to each other. One command runs at a time; its output goes piece by
 * piece, each sent when the one before was asked on from (`more`), so nothing is computed that nobody reads.
 * The shared flag (base/cancel.ts) stops a command; after `more` it is looked at, too.
 */

import type { Completion } from '../../commands/complete.ts';
import type { Ending, EngineOptions, EngineRequest, Opened } from './engine.ts';
import type { Failure } from './failure.ts';

/** What the thread is started with. */
export interface Start {
  readonly options: EngineOptions;
  readonly cancelFlag: SharedArrayBuffer;
}

export type Request =
  | { readonly kind: 'run'; readonly request: EngineRequest }
  | { readonly kind: 'more' }
  | { readonly kind: 'complete'; readonly id: number; readonly line: string };

export type Reply =
  | { readonly kind: 'opened'; readonly opened: Opened }
  | { readonly kind: 'not-opened'; readonly failure: Failure }
  | { readonly kind: 'warning'; readonly message: string }
  /** It fetches or unpacks a file, and tells on standard error how far it is. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'done'; readonly ending: Ending }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | {
      readonly kind: 'completion';
      /** Of the request it answers. */
      readonly id: number;
      readonly completion: Completion;
    };
