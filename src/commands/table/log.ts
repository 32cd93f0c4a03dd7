/** log: the kernel's messages. */

import { logReport } from '../../query/log.ts';
import type { Command } from '../command.ts';

export const log: Command = {
  name: 'log',
  aliases: ['dmesg'],
  summary: "the kernel's log",
  synopsis: ['log [-t | -T] [-m] [-d]'],
  options: [
    { flag: '-t', text: 'without time stamps' },
    { flag: '-T', text: 'with the date and time (UTC) of each message' },
    { flag: '-m', text: 'with the level of each message: <0> to <7>' },
    { flag: '-d', text: 'with the dictionary of each message: subsystem, device' },
  ],
  words: 'none',
  exclusive: [['-t', '-T']],
  description: [
    "Prints the kernel's messages, oldest first, as dmesg would have. Control characters in them are shown as \\xNN.",
  ],
  examples: [
    { line: 'log', text: 'all messages' },
    { line: 'log -T | tail', text: 'the last ones, with the time of day' },
  ],
  many: false,
  *run(session, args) {
    const time = args.has('-t') ? 'none' : args.has('-T') ? 'date' : 'seconds';
    yield logReport(session.kernel, { time, level: args.has('-m'), dictionary: args.has('-d') });
  },
};
