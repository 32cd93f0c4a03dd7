/**
 * A dump whose strings are meant for the terminal and the shell of who opens it: names of tasks, modules, files and
 * slab caches, the log, the node's name. Every command shows them; none sends them.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { addVirt, type VirtAddr } from '../../src/base/addr.ts';
import { VmcoreError } from '../../src/base/errors.ts';
import { parseLine } from '../../src/commands/line.ts';
import { invocationOf, runCommand } from '../../src/commands/run.ts';
import { Session } from '../../src/commands/session.ts';
import { commands } from '../../src/commands/table/index.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { escapeJson } from '../../src/faces/node/failure.ts';
import type { Result } from '../../src/query/result.ts';
import { toJson } from '../../src/render/json.ts';
import { escapeControl } from '../../src/render/text/escape.ts';
import type { Target } from '../../src/target/target.ts';
import { answerOf, overwrittenTarget } from './damaged-dump.ts';
import { Fixture } from './fixture.ts';

const { session: intact } = new Fixture('nfs');
const { kernel } = intact;
/** Clears the screen, rings, sets the title, reorders, is a command in a shell. 15 bytes: a task's name. */
const NAME = '\u001b[2J\u0007\u009b\u202e`x`';
const PATH_NAME = `../../../${NAME}$(touch owned)`;
const TEXT = `\u001b]0;owned\u0007\u001b[31m\u009b1m\u007f\u202e $(touch owned) \`touch owned\``;
// oxlint-disable-next-line no-control-regex -- what a terminal would obey
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

function hostileTarget(): Target {
  const changes = new Map<number, Uint8Array>();
  const put = (address: VirtAddr, text: string, size: number): void => {
    const bytes = new TextEncoder().encode(text).subarray(0, size - 1);
    changes.set(kernel.memory.translate(address), Uint8Array.from([...bytes, 0]));
  };
  for (const { view } of intact.tasks().tasks) put(view.at('comm'), NAME, 16);
  for (const { address } of kernel.modules().modules) put(kernel.struct('module', address).at('name'), PATH_NAME, 56);
  put(kernel.struct('uts_namespace', kernel.symbol('init_uts_ns')).at('name.nodename'), TEXT, 64);
  const ring = kernel.struct('printk_ringbuffer', kernel.memory.pointer(kernel.symbol('prb')));
  const text = ring.pointer('text_data_ring.data');
  for (let page = 0; page < 4; page++) put(addVirt(text, 4096 * page + 512), TEXT, 200);
  return overwrittenTarget(kernel.target, changes);
}

describe('strings of a stranger', () => {
  let target: Target;
  beforeAll(async () => {
    await loadDisassembler('x86_64');
    target = hostileTarget();
  });

  it('are there', () => {
    const session = new Session(target);
    expect(session.current.comm.startsWith(NAME.slice(0, 4))).toBe(true);
    expect(answerOf(session, 'ps').join('\n')).toContain(escapeControl(NAME).slice(0, 8));
    expect(answerOf(session, 'mod').join('\n')).toContain(escapeControl(PATH_NAME).slice(0, 16));
    expect(answerOf(session, 'sys').join('\n')).toContain(escapeControl(TEXT).slice(0, 16));
  });

  const lines = commands.flatMap(({ examples }) => examples.map(({ line }) => line.replace(/ \| .*$/, '')));
  it.each(
    [...lines, 'bt -FFF', 'ps nobody', 'mod -s nothing', 'set 99999'].filter((line) => !line.startsWith('search')),
  )('are shown and not sent by %s', (line) => {
    expect(answerOf(new Session(target), line).filter((shown) => obeyed.test(toldByFace(shown)))).toEqual([]);
    const json = escapeJson(JSON.stringify(resultsOf(new Session(target), line).map(toJson)));
    expect(json).not.toMatch(obeyed);
  });
});

/** A failure is told by the face, which escapes it whole. */
function toldByFace(line: string): string {
  return line.startsWith('error: ') ? escapeControl(line) : line;
}

/** What a command answers before it fails. */
function resultsOf(session: Session, line: string): Result[] {
  const parsed = parseLine(line);
  const results: Result[] = [];
  try {
    if (parsed.kind === 'command')
      for (const result of runCommand(session, invocationOf(parsed.words))) results.push(result);
  } catch (error) {
    if (!(error instanceof VmcoreError)) throw error;
  }
  return results;
}
