// What crash says of a fixture: the text that each of a list of commands prints, in a file of its own.
//
//   crash/NN-<command>.txt   what the command printed
//   crash/commands.json      {"<command>": "<file>"}, in the order in which they ran
//   crash/failure.txt        instead, where crash could not open the dump: what it said
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from './chroot.ts';

function fileName(command: string, index: number): string {
  const words = command.replaceAll(/[^A-Za-z0-9_]+/g, '-').replaceAll(/-$/g, '');
  return `${String(index + 1).padStart(2, '0')}-${words}.txt`;
}

/** Asks crash. Where it could not open the dump, gives its own reason. */
export async function askCrash(
  workspace: Workspace,
  commands: readonly string[],
  output: string,
): Promise<string | undefined> {
  const files = Object.fromEntries(commands.map((command, index) => [command, fileName(command, index)]));
  const answers = join(workspace.folder, 'answers');
  await mkdir(answers);
  await mkdir(output, { recursive: true });
  const lines = [
    'set scroll off',
    'set radix 10',
    ...commands.map((command) => `${command} > answers/${files[command]}`),
  ];
  await writeFile(join(workspace.folder, 'commands'), [...lines, 'quit', ''].join('\n'));
  const args = ['-s', '-i', 'commands', 'vmlinux', 'vmcore'];
  const { stdout, stderr } = await workspace.run('crash', args);
  const answered = await Promise.all(
    Object.values(files).map((file) =>
      copyFile(join(answers, file), join(output, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!answered.some(Boolean)) {
    const failure = `${stdout}${stderr}`.trim();
    await writeFile(join(output, 'failure.txt'), `${failure}\n`);
    return failure.split('\n').find((line) => line.startsWith('crash:')) ?? failure;
  }
  const known = Object.entries(files).filter((_, index) => answered[index] === true);
  await writeFile(join(output, 'commands.json'), `${JSON.stringify(Object.fromEntries(known), undefined, 2)}\n`);
  return undefined;
}
