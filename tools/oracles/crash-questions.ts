// What crash is asked of a fixture. Of the fixtures that boot one kernel only the first is asked everything: types are
// the same in all of them, and crash takes half a minute to list them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type JsonObject, isObject } from '../lib/json.ts';
import { projectFile } from '../lib/project.ts';

/** Before the modules' debug information is loaded, since that changes what `mod` and `bt` print. */
const plainQuestions = [
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

const moduleQuestions = [
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
  'dis -l schedule 20',
  'dis panic 20',
  'dis vfs_write',
  'dis -x schedule',
  'dis -rx vfs_write+0x80',
  'dis -r vfs_write+128 5',
  'dis -f schedule+0x50',
  'dis -lr vfs_read+0x80',
  'dis -s schedule',
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
];

/** Asked last: lists of symbols have their sections marked from here on, and crash's gdb may lose its modules. */
const reloadQuestions = ['mod -g -S modules', 'sym -m lockd', 'mod -d nfs', 'mod -s nfs modules/nfs.ko'];

/** Types, objects, expressions and lists. */
const structureQuestions = [
  'struct list_head',
  'struct -o page',
  'struct -ox page',
  'struct task_struct',
  'struct task_struct init_task',
  'struct -x task_struct init_task',
  'struct rq runqueues:0',
  'struct file_operations nfs_file_operations',
  'struct module',
  'struct -o module',
  'struct spinlock_t',
  'struct spinlock_t -ox',
  'union bpf_attr',
  'union -o bpf_attr',
  'struct sk_buff',
  'struct -o sk_buff',
  'struct dentry',
  'struct inode',
  'struct -o nfs_inode',
  'struct nfs_page',
  'struct super_block',
  'struct file',
  'struct mm_struct',
  'struct -o mm_struct',
  'struct vm_area_struct',
  'struct kmem_cache',
  'struct net_device',
  'struct bio',
  'struct request',
  'struct -o thread_struct',
  'struct desc_struct',
  'struct uprobe_task',
  'struct perf_event',
  'struct cfs_rq',
  'struct hlist_bl_head',
  'struct irq_desc',
  'struct acpi_device',
  'struct pci_dev',
  'struct cgroup',
  'struct bpf_prog',
  'struct list_head modules',
  'list_head modules',
  'struct list_head modules 3',
  'struct list_head -x modules',
  'struct task_struct.pid',
  'struct task_struct.pid init_task',
  'struct task_struct.pid,comm,tasks init_task',
  'struct task_struct.se.on_rq init_task',
  'struct task_struct.sched_class init_task',
  'struct task_struct.thread init_task',
  'struct rq.cpu,nr_running runqueues:a',
  'struct -l list_head.prev list_head modules',
  'struct -r list_head modules',
  'struct -o nfs_page init_task',
  'struct -p task_struct.mm init_task',
  'struct -p file_operations.open,release nfs_file_operations',
  'struct list_head modules -c -2',
  'p jiffies',
  'px jiffies',
  'p init_task.comm',
  'p &init_task',
  'p init_task.mm',
  'p init_task.tasks',
  'p sizeof(struct page)',
  'p linux_banner',
  'p runqueues:0',
  'p current_task',
  'p current_task:a',
  'p modules',
  'p vfs_read',
  'p *vfs_read',
  'p &((struct page *)0)->mapping',
  'p 3',
  'p (char)65',
  'p (unsigned char)200',
  'p init_task.se.on_rq + 1',
  'p MODULE_STATE_LIVE',
  'p (enum module_state)1',
  'p (enum module_state)17',
  'p &init_task.tasks',
  'p *init_task.tasks.next',
  'p init_task.comm[0]',
  'p &init_task.comm',
  'p init_task.sched_class',
  'p *init_task.sched_class',
  'p nfs_file_operations.open',
  'p __per_cpu_offset',
  'p jiffies_64',
  'p &jiffies',
  'p saved_command_line',
  'p &linux_banner',
  'p linux_banner[0]',
  'p *linux_banner@5',
  'p sys_call_table[0]',
  'p nr_cpu_ids',
  'p panic_cpu',
  'p init_uts_ns.name.release',
  'p init_uts_ns',
  'p init_mm',
  'p init_cred',
  'p *init_task.signal',
  'p init_nsproxy',
  'p softirq_vec',
  'p system_state',
  'p tk_core',
  'p init_files',
  'whatis nfs_page',
  'whatis vfs_write',
  'whatis nfs_file_aops',
  'whatis task_struct.pid',
  'whatis linux_banner',
  'whatis jiffies',
  'whatis pid_t',
  'whatis spinlock_t',
  'whatis module_state',
  'whatis enum module_state',
  'whatis MODULE_STATE_LIVE',
  'whatis runqueues',
  'whatis kmem_cache.node',
  'whatis -o list_head',
  'whatis struct list_head',
  'whatis irqreturn_t',
  'whatis atomic_t',
  'whatis enum pageflags',
  'whatis init_task',
  'whatis nr_cpu_ids',
  'whatis schedule',
  'whatis -r 96',
  'whatis -m nfs_page',
  'whatis -r 60-100 -m address_space',
  'task_struct.pid init_task',
  'jiffies',
  'pid_t',
  'list modules',
  'list -H modules',
  'list -H modules -o module.list -s module.name',
  'list module.list -H modules -r -s module.name,state',
  'list -o 8 modules',
  'list task_struct.tasks init_task',
  'list modules -s list_head',
  'list modules -s module.name -l module.list',
  'list -B modules',
  'list -H modules -o module.list -S module.name,state',
  'list -h modules',
  'list -h init_task -O task_struct.children task_struct.sibling -s task_struct.pid',
  'list task_struct.tasks -h init_task',
  'list -S task_struct.pid,comm -h init_task -o task_struct.tasks',
  'list module.list -H modules -s module.state -x',
];

const searchQuestions = [
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

/**
 * What one asks on the way from an oops in NFS to the object: about the registers that the console shows, and about
 * what the call before the return address `nfs_updatepage+…` was given.
 */
function walkQuestions(console: string): string[] {
  const oops = console.slice(console.indexOf('RIP: 0010:_raw_spin_lock'));
  const register = (name: string): string | undefined => new RegExp(`${name}: ([0-9a-f]{16})`).exec(oops)?.[1];
  const [request, page, inode] = [register('R12'), register('RBX'), register('R13')];
  const caller = /\b(nfs_(?:updatepage|update_folio)\+0x[0-9a-f]+)\//.exec(oops)?.[1];
  if (request === undefined || page === undefined || inode === undefined || caller === undefined) return [];
  return [
    `kmem ${request}`,
    `struct nfs_page ${request}`,
    `struct nfs_page.wb_page,wb_flags ${request}`,
    `struct page.mapping,index,flags ${page}`,
    `p ((struct nfs_page *)0x${request})->wb_page->mapping`,
    `p &((struct address_space *)0)->private_lock`,
    `struct inode.i_ino,i_mapping ${inode}`,
    `rd -SS ${request} 12`,
    `search -t ${request}`,
    `search -k ${request}`,
    `dis -r ${caller}`,
  ];
}

/** What differs where a kernel was dumped in another way: other fixtures of the same kernel are asked the rest. */
const dumpQuestions = ['sys', 'mod', 'ps', 'set', 'log', 'mod -S modules', 'bt', 'bt -a', 'foreach bt'];

const dumpedInAnotherWay: readonly string[] = ['kdump-6.1', 'kdump-6.12', 'kdump-7.2', 'hang'];

/** The fixtures that are asked everything, one of each kernel. */
const thorough: readonly string[] = ['nfs', 'sysrq-6.12', 'sysrq-7.2'];

/** The commands for a fixture, in the order in which they are to run. */
export function crashQuestions(fixture: string, facts: JsonObject, console: string): string[] {
  if (dumpedInAnotherWay.includes(fixture)) return dumpQuestions;
  const [loadModules = '', ...others] = moduleQuestions;
  const isThorough = thorough.includes(fixture);
  return [
    ...plainQuestions,
    loadModules,
    ...(isThorough ? walkQuestions(console) : []),
    ...searchQuestions,
    ...others,
    ...addressCommands(facts),
    ...(isThorough ? structureQuestions : []),
    // Behind it crash takes every address for one of user mode.
    'dis -u 0x401000 8',
    ...reloadQuestions,
  ];
}

/**
 * What decides the questions about a fixture, beside the facts: this file, as it is written. What a bundler makes of its
 * functions differs from one tool to the next.
 */
export async function questionInputs(fixture: string): Promise<string> {
  if (dumpedInAnotherWay.includes(fixture)) return JSON.stringify(dumpQuestions);
  return readFile(projectFile(join('tools', 'oracles', 'crash-questions.ts')), 'utf8');
}
