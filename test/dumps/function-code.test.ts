/** Functions of real dumps as code: where each frame stands in its function, and how control can have come there. */

import { beforeAll, describe, expect, it } from 'vitest';
import { addVirt } from '../../src/base/addr.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { fixupsIn } from '../../src/kernel/exception-table.ts';
import { stackOfTask, walkStack } from '../../src/query/stack-walk.ts';
import { functionsOf } from '../../src/unwind/code/functions.ts';
import { reachingDefinitions } from '../../src/unwind/code/reaching.ts';
import { Fixture } from './fixture.ts';

beforeAll(() => loadDisassembler('x86_64'));

describe.each(['nfs', 'deref', 'sysrq-6.12', 'sysrq-7.2'] as const)('the code of the frames of %s', (name) => {
  const { session } = new Fixture(name);
  const { kernel } = session;

  it('has the call of each frame, and a way to it from the entry', () => {
    const functions = functionsOf(kernel);
    const seen = new Set<string>();
    const odd: string[] = [];
    for (const task of session.tasks().tasks)
      for (const frame of walkStack(session.unwinder(), stackOfTask(kernel, task)).frames) {
        const key = `${frame.ip} ${frame.exact}`;
        // Entry code is assembler, which is come to by more ways than calls.
        const symbol = kernel.symbols.codeAt(addVirt(frame.ip, frame.exact ? 0 : -1))?.symbol;
        // Init text is freed.
        if (kernel.symbols.isInitText(frame.ip)) continue;
        if (
          seen.has(key) ||
          symbol === undefined ||
          /^(?:entry_|asm_|ret_from_fork|secondary_startup|\.)/.test(symbol.name)
        )
          continue;
        seen.add(key);
        const code = functions.at(addVirt(frame.ip, frame.exact ? 0 : -1));
        const at = frame.exact ? code?.indexAt(frame.ip) : code?.callBefore(frame.ip);
        if (code === undefined || at === undefined) {
          odd.push(`${symbol.name} ${frame.ip.toString(16)}: ${code === undefined ? 'no code' : 'no call'}`);
          continue;
        }
        // Of a register that nothing sets the value at the entry reaches everywhere, and only there something leads.
        if (!reachingDefinitions(code, at, 'no such register').some(({ kind }) => kind === 'entry'))
          odd.push(`${symbol.name} ${frame.ip.toString(16)}: no way from its entry`);
        if (code.incomplete !== undefined) odd.push(code.incomplete);
      }
    expect(seen.size).toBeGreaterThan(50);
    expect(odd).toEqual([]);
  });

  it('has fixups, in the kernel and in modules', () => {
    const start = kernel.symbol('_stext');
    const all = fixupsIn(kernel, start, kernel.symbol('_etext'));
    expect(all.length).toBeGreaterThan(100);
    for (const { from, to } of all) expect(kernel.symbols.isText(from) && kernel.symbols.isText(to)).toBe(true);
  });
});
