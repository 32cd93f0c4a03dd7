/**
 * The unwinder without ORC: call frame information and what stands beside it must find the frames that ORC finds. No
 * kernel here lacks ORC, so it is hidden.
 */

import { describe, expect, it } from 'vitest';
import { Session } from '../../src/commands/session.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { backtrace, type Backtrace } from '../../src/query/backtrace.ts';
import { openTarget } from '../../src/target/target.ts';
import { Fixture } from './fixture.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';

await loadDisassembler('x86_64');

describe.each(['nfs', 'sysrq-6.12', 'sysrq-7.2'] as const)('stacks of %s by call frame information alone', (name) => {
  const fixture = new Fixture(name);

  it('are those found by ORC, where the code has such information at all', () => {
    const target = openTarget(new NodeHost(), {
      dumps: [`${fixture.folder}/vmcore`],
      vmlinux: undefined,
      debugFolders: [],
      moduleFolders: [],
    });
    Object.assign(target.vmlinux, { orc: () => undefined });
    const session = new Session(target);
    for (const module of session.kernel.modules().modules) Object.assign(module, { orc: () => undefined });

    const byOrc = fixture.session;
    let equal = 0;
    const different: string[] = [];
    for (const task of session.tasks().tasks) {
      const expected = backtrace(
        byOrc.kernel,
        byOrc.unwinder(),
        byOrc.tasks().tasks.find((other) => other.address === task.address) ?? task,
      );
      const found = backtrace(session.kernel, session.unwinder(), task);
      if (places(found).join('\n') === places(expected).join('\n')) equal++;
      else
        different.push(
          `${task.pid} ${task.comm}\n${places(found).join('\n')}\n-- orc\n${places(expected).join('\n')} ${found.incomplete}`,
        );
    }
    expect(different.join('\n\n')).toBe('');
    expect(equal).toBeGreaterThan(80);
  });
});

function places(trace: Backtrace): string[] {
  return trace.frames.map((frame) => `${frame.slot.toString(16)} ${frame.address.toString(16)} ${frame.symbol}`);
}
