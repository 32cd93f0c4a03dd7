/** Tasks and modules against drgn's own list of them, on every dump it opens: 7.2, which crash cannot, too. */

import { describe, expect, it } from 'vitest';
import { readLog } from '../../src/kernel/printk.ts';
import { stateLetters } from '../../src/kernel/task-state.ts';
import { cpuRunning } from '../../src/unwind/start-state.ts';
import { Fixture, fixtureNames, stoppedFixtureNames } from './fixture.ts';

/** drgn's letters of a state, as /proc has them. */
const lettersOf: Readonly<Record<string, string>> = {
  R: 'RU',
  S: 'IN',
  D: 'UN',
  I: 'ID',
  T: 'ST',
  t: 'TR',
  Z: 'ZO',
  X: 'DE',
  P: 'PA',
};

describe.each([...fixtureNames, ...stoppedFixtureNames])('%s, beside drgn', (name) => {
  const fixture = new Fixture(name);
  const drgn = fixture.drgn;

  it.runIf(drgn !== undefined)('has its tasks with pid, name, CPU and state', () => {
    const { kernel, tasks } = fixture.session;
    const ours = tasks().tasks.map((task) => ({
      task: `0x${task.address.toString(16)}`,
      pid: task.pid,
      comm: task.comm,
      cpu: task.cpu,
      state: stateLetters(task),
      onCpu: cpuRunning(kernel, task) !== undefined,
    }));
    const theirs = (drgn?.tasks ?? []).map(({ task, pid, comm, cpu, state, onCpu }) => ({
      task,
      pid,
      comm,
      cpu,
      state: lettersOf[state.slice(0, 1)] ?? state,
      onCpu,
    }));
    // drgn takes a sleep as idle only where no other bit is set; the kernel (and crash) look at TASK_IDLE's bits alone.
    const idle = new Set(ours.filter((task) => task.state === 'ID').map((task) => task.task));
    for (const task of theirs) if (idle.has(task.task) && task.state === 'UN') task.state = 'ID';
    const byTask = (a: { task: string }, b: { task: string }): number => (a.task < b.task ? -1 : 1);
    expect(ours.sort(byTask)).toEqual(theirs.sort(byTask));
  });

  it.runIf(drgn !== undefined)('has its modules', () => {
    const ours = fixture.session.kernel
      .modules()
      .modules.map((module) => ({ name: module.name, base: `0x${module.base.toString(16)}` }));
    const theirs = (drgn?.modules ?? []).map((module) => ({ name: module.name, base: module.base }));
    const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
    expect(ours.sort(byName)).toEqual(theirs.sort(byName));
  });

  it.runIf(drgn !== undefined)('has its log', () => {
    const text = fixture.session.kernel;
    expect(text.target.vmcoreinfo()?.release).toBe(drgn?.release);
    const ours = readLog(text).records.map((record) => ({
      sequence: Number(record.sequence),
      time: Number(record.time),
      level: record.level,
      text: record.text,
    }));
    const theirs = (drgn?.log ?? []).map((record) => ({
      sequence: record.sequence,
      time: record.timestampNs,
      level: record.level,
      text: record.text,
    }));
    expect(ours).toEqual(theirs);
  });
});
