/** `vmscope faddr2line`: file and line of addresses of a call trace, by the debug file alone, without a dump. */

import { UsageError, VmcoreError } from '../../../base/errors.ts';
import { parseFunctionAddresses, type FunctionAddress } from '../../../query/function-address.ts';
import { functionLines, type FunctionLines } from '../../../query/function-lines.ts';
import { functionsOfFile } from '../../../query/function-sources.ts';
import { toJson } from '../../../render/json.ts';
import { renderText } from '../../../render/text/index.ts';
import { openCodeFile, type CodeFile } from '../../../target/code-file.ts';
import { escapeJson, failureJson, failureOf, failureText, openingFailed } from '../failure.ts';
import type { ExitStatus } from '../main.ts';
import { optionHelp, readOptions, type OptionRow } from '../option-words.ts';
import { Resources } from '../resources.ts';
import { complain, tell } from '../write-fully.ts';

interface Draft {
  json: boolean;
  help: boolean;
}

const rows: readonly OptionRow<Draft>[] = [
  { names: ['--json'], text: 'answer in JSON, one line an address', apply: (to) => (to.json = true) },
  { names: ['-h', '--help'], text: 'show this', apply: (to) => (to.help = true) },
];

const usage = 'vmscope faddr2line FILE FUNCTION+OFFSET/SIZE ...';

function helpText(): string {
  return [
    `usage: ${usage}`,
    '',
    'Prints file and line of addresses as call traces print them, with every inlined function. FILE is',
    'a vmlinux or a module (.ko, .ko.debug, .ko.xz) with debug information; no dump is needed. The line',
    'is that of the call itself; where no call ends at the address, as in an RIP: line, that of the address.',
    '',
    ...optionHelp(rows),
    '',
    '  vmscope faddr2line vmlinux vfs_write+0x2c5/0x3e0',
    '  vmscope faddr2line nfs.ko.debug "RIP: 0010:nfs_updatepage+0x997/0xd40 [nfs]"',
    '',
    'Exit status: 0 all answered, 1 an address was not, 2 wrong usage, 3 the file could not be opened.',
  ].join('\n');
}

export async function faddr2line(words: readonly string[]): Promise<ExitStatus> {
  const draft: Draft = { json: false, help: false };
  const options = readOptions(rows, words, draft);
  if ('wrong' in options) return wrong(options.wrong);
  if (draft.help) return tell(`${helpText()}\n`);
  const [path, ...rest] = options.rest;
  if (path === undefined || path === '') return wrong(`which file? usage: ${usage}`);
  let asked: FunctionAddress[];
  try {
    asked = parseFunctionAddresses(rest);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return wrong(error.message);
  }
  const resources = new Resources({ warn: (message) => complain(`vmscope: warning: ${message}`) }, []);
  let file: CodeFile;
  try {
    file = await resources.run(() => openCodeFile(resources.host, path));
  } catch (error) {
    return openingFailed(error, complain);
  }
  const source = functionsOfFile(file);
  let status: ExitStatus = 0;
  for (const one of asked) {
    try {
      const lines = await resources.run(() => functionLines(source, one));
      const told = tell(draft.json ? json(one, lines) : text(lines));
      if (told !== 0) return told;
    } catch (error) {
      if (!(error instanceof VmcoreError)) throw error;
      status = 1;
      if (draft.json) tell(failureJson(one.text, failureOf(error)));
      else complain(`vmscope: ${failureText(failureOf(error))}`);
    }
  }
  return status;
}

function text(lines: FunctionLines): string {
  return Array.from(renderText(lines), (line) => `${line}\n`).join('');
}

function json(asked: FunctionAddress, lines: FunctionLines): string {
  const answer = { command: asked.text, type: lines.type, ok: true, result: toJson(lines) };
  return `${escapeJson(JSON.stringify(answer))}\n`;
}

function wrong(message: string): ExitStatus {
  complain(`vmscope: ${message} ("vmscope faddr2line --help" tells more)`);
  return 2;
}
