/** set: the current task and the variables of the session. */

import { LookupError, UsageError } from '../../base/errors.ts';
import { currentTask, readCpus } from '../../kernel/cpus.ts';
import { Task } from '../../kernel/tasks.ts';
import { taskInfo } from '../../query/task-info.ts';
import type { Command } from '../command.ts';
import { parseCpus } from '../session.ts';

export const set: Command = {
  name: 'set',
  aliases: [],
  summary: 'the current task, or another one; the variables of the session',
  synopsis: ['set [pid | task address]', 'set -c CPU', 'set -p', 'set radix 10|16', 'set strict on|off', 'set -v'],
  options: [
    { flag: '-c', value: 'a CPU', text: 'the active task of that CPU becomes the current one', mostWords: 0 },
    { flag: '-p', text: 'back to the task that panicked', mostWords: 0 },
    { flag: '-v', text: 'the variables of the session', mostWords: 0 },
  ],
  words: { most: 2 },
  exclusive: [['-c', '-p', '-v']],
  description: ['Without an argument shows the current task: the one other commands speak of when they name none.'],
  examples: [
    { line: 'set 1', text: 'speak of init from now on' },
    { line: 'set -p', text: 'of the task that panicked again' },
  ],
  completes: 'task',
  many: false,
  *run(session, args) {
    const cpu = args.value('-c');
    const [word, value] = args.words;
    if (args.has('-v')) {
      const strict = session.strict ? 'on' : 'off';
      yield { type: 'text', lines: [`  radix: ${session.radix}`, ` strict: ${strict}`] };
      return;
    }
    if (word === 'radix') {
      if (value !== undefined && value !== '10' && value !== '16') throw new UsageError('set radix wants 10 or 16');
      if (value !== undefined) session.radix = value === '16' ? 16 : 10;
      yield {
        type: 'text',
        lines: [`output radix: ${session.radix} (${session.radix === 16 ? 'hexadecimal' : 'decimal'})`],
      };
      return;
    }
    if (word === 'strict') {
      if (value !== undefined && value !== 'on' && value !== 'off') throw new UsageError('set strict wants on or off');
      if (value !== undefined) session.strict = value === 'on';
      yield { type: 'text', lines: [`strict: ${session.strict ? 'on (only values that are proved)' : 'off'}`] };
      return;
    }
    if (value !== undefined) throw new UsageError(`set takes one task: what is "${value}"? ("help set")`);
    if (cpu !== undefined) {
      const [chosen] = parseCpus(cpu, readCpus(session.kernel).present);
      const address = chosen === undefined ? undefined : currentTask(session.kernel, chosen);
      if (address === undefined) throw new LookupError('current task of CPU', cpu);
      session.current = new Task(session.kernel, address);
    } else if (args.has('-p')) {
      if (!session.crash().panicked) throw new UsageError(session.crash().whyNotPanicked());
      session.current = session.crash().task;
    } else if (word !== undefined) {
      const [task] = session.tasksNamed(word);
      if (task !== undefined) session.current = task;
    }
    yield taskInfo(session.current, session.crash());
  },
};
