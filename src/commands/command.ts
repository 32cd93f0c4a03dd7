/** A row of the command table: what help, completion, text, JSON and the command line are made from. */

import type { Result } from '../query/result.ts';
import type { ParsedArguments } from './options.ts';
import type { Session } from './session.ts';

/**
 * `type`: NAME.member,member as the first word, symbols behind it; `expression`: C; `type or expression`: either;
 * `frame value`: registers, and variables of the chosen frame.
 */
export type Completes =
  | 'frame value'
  | 'symbol'
  | 'command'
  | 'task'
  | 'module'
  | 'type'
  | 'expression'
  | 'type or expression';

export interface Option {
  /** "-c". */
  readonly flag: string;
  /** What its value is; undefined for a switch. */
  readonly value?: string;
  readonly text: string;
  /** What its value may be completed to, where that is something else than the command's words. */
  readonly completes?: Completes;
  /** Its value may be left away where it stands last. */
  readonly lone?: boolean;
  /** How many words may stand with it, where that is fewer than the command takes: it says itself what to do. */
  readonly mostWords?: number;
}

export interface Example {
  readonly line: string;
  readonly text: string;
}

export interface Command {
  readonly name: string;
  readonly aliases: readonly string[];
  /** One line, without a full stop. */
  readonly summary: string;
  /** What may follow the name, a form each. */
  readonly synopsis: readonly string[];
  readonly options: readonly Option[];
  /** How many words may follow besides options; any number unless told. */
  readonly words?: 'none' | { readonly most: number };
  /** Groups of options of which one may be given. */
  readonly exclusive?: readonly (readonly string[])[];
  /** Paragraphs. */
  readonly description: readonly string[];
  readonly examples: readonly Example[];
  /** What a word after the name may be completed to, besides options. */
  readonly completes?: Completes;
  /** Whether it may give several results: its JSON is then an array. */
  readonly many: boolean;
  /** Words stay as they are typed, options too: for a command that hands them to another. */
  readonly raw?: boolean;
  run(session: Session, args: ParsedArguments): Iterable<Result>;
}
