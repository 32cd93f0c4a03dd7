// What crash says of a fixture: the text that each of a list of commands prints, in a file of its own.
//
//   crash/NN-<command>.txt   what the command printed
//   crash/commands.json      {"<command>": "<file>"}, in the order in which they ran
//   crash/failure.txt        instead, where crash could not open the dump: what it said
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type JsonObject, isObject } from '../lib/json.ts';
import type { Workspace } from './chroot.ts';

/** Before the modules' debug information is loaded, since that changes what `mod` and `bt` print. */
const plainCommands = [
  'sys',
  'mod',
  'mod -t',
  'mod -g',
  'ps',
  'ps -m',
  'set',
  'log',
  'log -t',
  'log -T',
  'log -m',
  'kmem -i',
  'mount',
  'net',
  'timer',
  'irq',
  'dev',
  'files',
  'vm',
  'sig',
  'runq',
  'mach',
];

const withModules = [
  'mod -S modules',
  'bt',
  'bt -a',
  'bt -c 0',
  'bt -c 1',
  'bt -l',
  'bt -s',
  'bt -f',
  'bt -F',
  'bt -FF',
  'bt -a -f',
  'bt -t',
  'bt -T',
  'bt -e',
  'bt -E',
  'bt -E -c 0',
  'bt -r',
  'bt -g',
  'bt -v',
  'bt -p',
  'bt -a -n idle',
  'bt -R vfs_write',
  'bt -R schedule',
  'foreach bt',
  'foreach bt -l',
  'foreach bt -s',
  'foreach bt -f',
  'foreach bt -FF',
  'foreach bt -t',
  'foreach bt -T',
  'foreach bt -e',
  'foreach bt -R vfs_write',
  'foreach bt -R do_idle',
  'foreach files',
  'sym -l',
  'sym linux_banner',
  'sym init_task',
  'struct list_head',
  'struct task_struct',
  'struct -o page',
  'struct -o module',
  'rd linux_banner 16',
  'rd -8 linux_banner 64',
  'rd -16 linux_banner 32',
  'rd -32 linux_banner 16',
  'rd -64 linux_banner 8',
  'rd -d linux_banner 8',
  'rd -D linux_banner 8',
  'rd -s init_task 32',
  'rd -S init_task 32',
  'rd -a linux_banner',
  'rd -N linux_banner 8',
  'rd -x linux_banner 8',
  'rd -p 0x1000 16',
  'rd -d init_task 4',
  'rd -D init_task 4',
  'rd -d -32 init_task 8',
  'rd -D -32 linux_banner 8',
  'rd -d -16 init_task 16',
  'rd -d -8 init_task 16',
  'rd -N -32 linux_banner 6',
  'rd -N -16 linux_banner 9',
  'rd -R linux_banner 4',
  'rd -R -8 linux_banner 20',
  'rd -R -32 linux_banner',
  'rd -f 0 8',
  'rd -f -8 0x11 20',
  'rd -o 16 linux_banner 2',
  'rd -o 0x18 -32 linux_banner 2',
  'rd -a linux_banner 200',
  'rd -a init_task 64',
  'rd -p 1000 -e 1020',
  'rd -r raw.bin linux_banner 100',
  'search init_task',
  'search -K init_task',
  'search -V init_task',
  'search -t init_task',
  'search -T -x 2 init_task',
  'search -m ff 0xffffffffffffff00 -s linux_banner -l 65536',
  'search -w -s linux_banner -l 64 -x 3 756e694c',
  'search -h -s linux_banner -l 4096 756e',
  'search -h -m ff00 -s linux_banner -l 512 6e',
  'search -p -w deadbeef',
  'search -c "Linux version"',
  'search -c -p "do_syscall_64" "not syncing"',
  'search -u -w 464c457f',
  'dis -l schedule 20',
  'dis panic 20',
  'dis vfs_write',
  'dis -x schedule',
  'dis -rx vfs_write+0x80',
  'dis -r vfs_write+128 5',
  'dis -f schedule+0x50',
  'dis -lr vfs_read+0x80',
  'dis -s schedule',
  'dis -u 0x401000 8',
  'p jiffies',
  'p linux_banner',
  'p init_task.comm',
  'list -h modules',
  'task -R comm,pid,state',
  'sym -m grace',
  'sym -m nfsd',
  'sym -M',
  'sym -q nfs_upd',
  'sym nfs_page_cachep',
  'sym nfs_alloc_server',
  'sym -n schedule_timeout',
  'sym -p schedule_timeout',
  'sym -n nfs_alloc_server',
  'sym -p nfs_alloc_server',
  // From here on lists of symbols have their sections marked.
  'mod -g -S modules',
  'sym -m lockd',
  'mod -d nfs',
  'mod -s nfs modules/nfs.ko',
];

/** The objects of a list in the facts. */
function objectsIn(facts: JsonObject, name: string): JsonObject[] {
  const list = facts[name];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** Commands on addresses, which drgn's facts of the same dump supply. */
function addressCommands(facts: JsonObject): string[] {
  const commands = ['linuxBanner', 'initTask'].flatMap((name) =>
    name in facts ? [`vtop ${String(facts[name])}`] : [],
  );
  const init = objectsIn(facts, 'tasks').find((task) => task['pid'] === 1);
  const mm = init?.['mm'];
  const [module] = objectsIn(facts, 'modules');
  if (init !== undefined) {
    const task = String(init['task']);
    commands.push(
      `vtop ${task}`,
      `rd ${task} 32`,
      `rd -S ${task} 32`,
      `rd -SS ${task} 64`,
      `struct task_struct.comm,pid,mm ${task}`,
    );
    commands.push(`bt ${task}`, `task -R mm ${task}`, `vtop ${String(init['stack'])}`, 'ps 1', 'vm 1', 'files 1');
  }
  const frame = init === undefined ? undefined : objectsIn(init, 'frames').at(-4);
  if (frame !== undefined) commands.push(`bt -I ${String(frame['pc'])} -S ${String(frame['sp'])}`);
  if (isObject(mm)) {
    const code = String(mm['startCode']);
    commands.push('set 1', `vtop -u ${code}`, `rd -u ${code} 8`, `vtop -u ${String(mm['startStack'])}`, `vtop ${code}`);
  }
  if (module !== undefined) {
    const base = String(module['base']);
    commands.push(`vtop ${base}`, `rd ${base} 8`, `dis ${base} 8`);
  }
  return [...commands, 'kmem -s', ...kmemCommands(facts)];
}

/** How many addresses of each kind `kmem` is asked about. */
const kmemSamples = 12;

/** Addresses in slab objects, tasks, stacks, modules, vmalloc areas, the kernel image, and a struct page. */
function kmemCommands(facts: JsonObject): string[] {
  const { slab } = facts;
  const objects = isObject(slab) ? objectsIn(slab, 'objects') : [];
  const evenly = (list: readonly JsonObject[], member: string): string[] => {
    const step = Math.max(1, Math.floor(list.length / kmemSamples));
    return list.filter((_, index) => index % step === 0).flatMap((entry) => String(entry[member]));
  };
  const task = objectsIn(facts, 'tasks').find((entry) => entry['pid'] === 1);
  const some = [
    ...evenly(objects, 'address'),
    ...evenly(objectsIn(facts, 'vmapAreas'), 'start').slice(0, 4),
    ...evenly(objectsIn(facts, 'modules'), 'base').slice(0, 2),
    task?.['task'],
    task?.['stack'],
    facts['initTask'],
    facts['linuxBanner'],
    objects[0]?.['slab'],
  ];
  return [...new Set(some.flatMap((address) => (typeof address === 'string' ? `kmem ${address}` : [])))];
}

/** What decides crash's answers, beside the dump, its facts and crash itself. */
export function crashInputs(): string {
  return JSON.stringify([plainCommands, withModules, addressCommands.toString(), kmemCommands.toString()]);
}

function fileName(command: string, index: number): string {
  const words = command.replaceAll(/[^A-Za-z0-9_]+/g, '-').replaceAll(/-$/g, '');
  return `${String(index + 1).padStart(2, '0')}-${words}.txt`;
}

/** Asks crash. Where it could not open the dump, gives its own reason. */
export async function askCrash(workspace: Workspace, facts: JsonObject, output: string): Promise<string | undefined> {
  const commands = [...plainCommands, ...withModules, ...addressCommands(facts)];
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
