/** Steps by the code itself, on frames that ORC describes, too: where the code tells, it tells the same. */

import { describe, expect, it } from 'vitest';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { stackOfTask, walkStack } from '../../src/query/stack-walk.ts';
import { codeStep } from '../../src/unwind/code-step.ts';
import { Fixture } from './fixture.ts';

await loadDisassembler('x86_64');

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('code of %s', (name) => {
  const { session } = new Fixture(name);
  const { kernel } = session;

  it('leads to the callers that ORC leads to, and keeps the frame pointer', () => {
    const told = new Map<string, number>();
    let silent = 0;
    for (const task of session.tasks().tasks) {
      const { frames } = walkStack(session.unwinder(), stackOfTask(kernel, task));
      for (const [index, frame] of frames.entries()) {
        const caller = frames[index + 1];
        // Tracers' trampolines stand in the place of return addresses.
        if (caller === undefined || caller.saved !== undefined || caller.recovered !== undefined) continue;
        const step = codeStep(kernel, frame);
        const place = `${frame.ip.toString(16)} ${kernel.symbols.label(frame.ip) ?? ''}`;
        if (step?.kind !== 'call') {
          silent++;
          continue;
        }
        told.set(place, (told.get(place) ?? 0) + 1);
        const { rip, rsp, rbp } = step.registers;
        expect({ place, slot: step.slot, rip, rsp }).toEqual({
          place,
          slot: caller.slot,
          rip: caller.ip,
          rsp: caller.sp,
        });
        const known = caller.registers['rbp'];
        if (rbp !== undefined && known !== undefined) expect({ place, rbp }).toEqual({ place, rbp: known });
      }
    }
    const count = [...told.values()].reduce((sum, times) => sum + times, 0);
    expect(told.size).toBeGreaterThan(60);
    expect(count).toBeGreaterThan(silent * 4);
  });
});
