import { describe, expect, it } from 'vitest';
import { virtAddr } from '../../base/addr.ts';
import type { BacktraceFrame } from '../../query/backtrace.ts';
import type { RegisterRow } from '../../query/chosen-frame.ts';
import type { RegisterSource } from '../../unwind/frame-registers.ts';
import { renderFrameReport, renderRegisterReport } from './frame.ts';

const frame: BacktraceFrame = {
  number: 7,
  slot: virtAddr(0xff43_6240_4001_38d8n),
  address: virtAddr(0xffff_ffff_c056_8707n),
  symbol: 'nfs_updatepage',
  functionName: 'nfs_updatepage',
  offset: 0x997,
  module: 'nfs',
  source: { file: 'fs/nfs/write.c', line: 1427, column: 0 },
  inlined: [{ number: 1, name: 'spin_lock', source: { file: 'spinlock.h', line: 351, column: 0 } }],
  origin: 'orc',
  stack: '',
  exception: undefined,
  recovered: undefined,
  words: undefined,
  variables: undefined,
};
const first = ' #7 [ff436240400138d8] nfs_updatepage at ffffffffc0568707 [nfs]';

describe('registers of a frame', () => {
  const lineOf = (row: RegisterRow): string | undefined =>
    [...renderRegisterReport({ type: 'registers', frame, registers: [row] })][1];
  const known = (source: RegisterSource, inferred?: string): RegisterRow => ({
    name: 'rbx',
    known: { value: 0xa4n, source, inferred },
    target: undefined,
  });
  const slot = { kind: 'slot', address: virtAddr(0xff43_6240_4001_3850n) } as const;

  it('say where each was saved', () => {
    expect(lineOf(known(slot))).toBe('   RBX:  00000000000000a4 [ff43624040013850]');
    expect(lineOf(known({ kind: 'same', as: slot }))).toBe(
      '   RBX:  00000000000000a4 same as below: [ff43624040013850]',
    );
    expect(lineOf(known({ kind: 'cpu' }))).toBe('   RBX:  00000000000000a4 as the CPU had it');
    expect(lineOf(known({ kind: 'walk' }))).toBe('   RBX:  00000000000000a4 computed');
  });

  it('are marked where they are inferred, and unknown where a call may have changed them', () => {
    expect(lineOf(known(slot, 'pushed by its prologue'))).toBe(
      '   RBX: ~00000000000000a4 [ff43624040013850]  (~ pushed by its prologue)',
    );
    expect(lineOf({ name: 'r8', known: undefined, target: undefined })).toBe(
      '    R8: (unknown)         a call may have changed it',
    );
  });
});

it('the chosen frame is a line of bt, and the line of its function or of the inlined call', () => {
  const report = { type: 'frame', header: { pid: 1, task: undefined, cpu: 0, command: 'init' }, frame } as const;
  expect([...renderFrameReport({ ...report, inlined: 0 })]).toEqual([first, '    fs/nfs/write.c: 1427']);
  expect([...renderFrameReport({ ...report, inlined: 1 })]).toEqual([
    first,
    '    #7.1 spin_lock (inlined) at spinlock.h: 351',
  ]);
});
