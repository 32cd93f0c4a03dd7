/** What went wrong, in a form that a thread can send to another and that text and JSON are made from. */

import { messageOf, VmcoreError, type ErrorCode } from '../../base/errors.ts';
import { hex0x } from '../../base/addr.ts';
import { escapeControl } from '../../render/text/escape.ts';
import { bugText } from './bug.ts';

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  /** The fields of the error besides its message: suggestions, address, section. */
  readonly details: Readonly<Record<string, string | number | readonly string[]>>;
  readonly stack: string | undefined;
}

/** A failure that came from the engine's thread. */
export class EngineFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof EngineFailure) return error.failure;
  const known = error instanceof VmcoreError;
  return {
    code: known ? error.code : 'internal',
    message: messageOf(error),
    details: known ? detailsOf(error) : {},
    stack: error instanceof Error ? error.stack : undefined,
  };
}

function detailsOf(error: VmcoreError): Failure['details'] {
  const details: Record<string, string | number | readonly string[]> = {};
  for (const [name, value] of Object.entries(error)) {
    if (name === 'code') continue;
    if (typeof value === 'string' || typeof value === 'number') details[name] = value;
    else if (typeof value === 'bigint') details[name] = hex0x(value);
    else if (Array.isArray(value)) details[name] = value.map(String);
  }
  return details;
}

/** For people. The names in it may come from a dump: what a terminal would obey is shown, not sent. */
export function failureText(failure: Failure): string {
  return escapeControl(failure.code === 'internal' ? bugText(asError(failure)) : failure.message);
}

function asError(failure: Failure): Error {
  const error = new Error(failure.message);
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}

/** Tells why the dump could not be opened. The exit status says whether that was the dump's fault or ours. */
export function openingFailed(error: unknown, complain: (message: string) => void): 1 | 3 {
  const failure = failureOf(error);
  const ours = failure.code === 'internal';
  complain(`${ours ? '' : 'vmscope: '}${failureText(failure)}`);
  return ours ? 1 : 3;
}

/** The line of a command that failed, in `--json`. */
export function failureJson(command: string, failure: Failure): string {
  return `${escapeJson(JSON.stringify({ command, type: 'error', ok: false }).slice(0, -1))},"error":${errorJson(failure)}}\n`;
}

export function errorJson({ code, message, details }: Failure): string {
  return escapeJson(JSON.stringify({ code, message, ...details }));
}

/** JSON.stringify leaves DEL, the C1 controls and what reorders text as they are, which a terminal may obey. */
export function escapeJson(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
