/** Errors: their texts, and which of them cost a value and not the command. */

import { describe, expect, it } from 'vitest';
import { available, isUnavailable } from './available.ts';
import { watchCancelFlag, checkCancelled } from './cancel.ts';
import {
  attempt,
  Cancelled,
  FaultError,
  FormatError,
  InternalError,
  LookupError,
  messageOf,
  UsageError,
} from './errors.ts';

describe('messages', () => {
  it('say what, where and what to do', () => {
    expect(new FormatError('vmlinux: .BTF', 'is no BTF data', 16).message).toBe(
      'vmlinux: .BTF: is no BTF data (at offset 0x10)',
    );
    expect(new FormatError('notes', 'end too early').message).toBe('notes: end too early');
    expect(new FaultError('kernel virtual', 0xffff_8880_0000_0000n, 'excluded').message).toBe(
      'cannot read kernel virtual address ffff888000000000: page excluded by the dump filter',
    );
    expect(new LookupError('command', 'lgo', ['log']).message).toBe('command not found: lgo; did you mean log?');
  });
});

describe('attempt and available', () => {
  it('take damage and absence as no value', () => {
    for (const error of [
      new FaultError('physical', 1, 'not-in-dump'),
      new LookupError('symbol', 'x'),
      new FormatError('a', 'b'),
    ]) {
      const fail = (): never => {
        throw error;
      };
      expect(attempt(fail)).toBeUndefined();
      const value = available(fail);
      expect(isUnavailable(value) && value.unavailable).toBe(error.message);
    }
  });

  it('let bugs, cancellation and usage pass', () => {
    for (const error of [new InternalError('x'), new Cancelled(), new UsageError('x'), new TypeError('x')]) {
      const fail = (): never => {
        throw error;
      };
      expect(() => attempt(fail)).toThrow(error);
      expect(() => available(fail)).toThrow(error);
    }
  });

  it('know a message of anything', () => {
    expect(messageOf(new Error('a'))).toBe('a');
    expect(messageOf('b')).toBe('b');
  });
});

describe('cancelling', () => {
  it('happens when the shared flag is set', () => {
    const flag = new Int32Array(1);
    watchCancelFlag(flag);
    expect(checkCancelled).not.toThrow();
    flag[0] = 1;
    expect(checkCancelled).toThrow(Cancelled);
    flag[0] = 0;
    expect(checkCancelled).not.toThrow();
  });
});
