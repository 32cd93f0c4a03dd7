/** help: the table itself, and each row of it. */

import { LookupError } from '../../base/errors.ts';
import { nearestNames } from '../../base/suggest.ts';
import type { Command } from '../command.ts';
import { commandNames, commands, findCommand } from './index.ts';

const WIDTH = 80;

export const help: Command = {
  name: 'help',
  aliases: ['man', '?'],
  summary: 'what commands there are, and what each does',
  synopsis: ['help [command ...]'],
  options: [],
  description: [
    'Without an argument lists the commands. "help input" tells what may surround one: pipes, files, shell.',
  ],
  examples: [{ line: 'help bt', text: 'what bt does, its options, examples' }],
  completes: 'command',
  many: true,
  *run(_session, args) {
    if (args.words.length === 0) yield { type: 'text', lines: overview() };
    for (const word of args.words) yield { type: 'text', lines: word === 'input' ? inputHelp : helpFor(word) };
  },
};

function overview(): string[] {
  const width = Math.max(...commands.map((command) => command.name.length)) + 2;
  return [
    ...commands.map(
      ({ name, summary, aliases }) =>
        `  ${name.padEnd(width)}${summary}${aliases.length === 0 ? '' : ` (also: ${aliases.join(', ')})`}`,
    ),
    '',
    '"help COMMAND" tells more of one; "help input" what may surround one.',
  ];
}

function helpFor(word: string): string[] {
  const command = findCommand(word);
  if (command === undefined) throw new LookupError('command', word, nearestNames(word, commandNames()));
  const flagWidth = Math.max(
    0,
    ...command.options.map((option) => option.flag.length + (option.value?.length ?? -3) + 3),
  );
  return [
    `${command.name}: ${command.summary}`,
    '',
    ...command.synopsis.map((form) => `  ${form}`),
    ...(command.aliases.length === 0 ? [] : ['', `Also: ${command.aliases.join(', ')}`]),
    ...(command.options.length === 0 ? [] : ['']),
    ...command.options.map(
      ({ flag, value, text }) => `  ${`${flag}${value === undefined ? '' : ` <${value}>`}`.padEnd(flagWidth)}  ${text}`,
    ),
    ...command.description.flatMap((paragraph) => ['', ...wrap(paragraph)]),
    '',
    ...command.examples.map(({ line, text }) => `  ${line.padEnd(24)}  ${text}`),
  ];
}

const inputHelp = [
  'A line at the prompt is a command with its arguments, and may go on with:',
  '',
  '  command | shell command     its output to a pipe',
  '  command > file              to a file, which is replaced',
  '  command >> file             to the end of a file',
  '  !shell command              a shell command alone',
  '  # text                      nothing',
  '',
  'Output longer than the screen goes through $PAGER, or less. Ctrl-C stops the running',
  'command. The arrow keys bring back earlier lines, also of earlier sessions; Tab completes',
  'commands, options, types, members, modules, symbols.',
];

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
