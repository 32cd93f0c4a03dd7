/** A value that damage or absence may have cost: what is there, or why it is not. Nothing missing is fatal. */

import { isExpected } from './errors.ts';

export interface Unavailable {
  readonly unavailable: string;
}

export type Available<T> = T | Unavailable;

export function isUnavailable(value: unknown): value is Unavailable {
  return typeof value === 'object' && value !== null && 'unavailable' in value;
}

/** What `read` gives, or why it cannot. Bugs pass through. */
export function available<T>(read: () => T): Available<T> {
  try {
    return read();
  } catch (error) {
    if (isExpected(error)) return { unavailable: error.message };
    throw error;
  }
}
