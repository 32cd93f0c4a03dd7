/**
 * Return addresses that a tracer replaced by its own trampoline, and where it keeps the real ones.
 *
 * - kretprobe through rethook (73f9b911faa7, v5.18): task->rethooks, a list of rethook_node {ret_addr, frame}.
 * - kretprobe before (5.11 to 6.0, d741bf41d7c7): task->kretprobe_instances {ret_addr, fp}.
 * - kretprobe before 5.11: kretprobe_inst_table[64], lists of kretprobe_instance {ret_addr, task} of all tasks, which
 *   know their frame (fp) since 5.1 (3ff9c075cc76).
 * - function graph: task->ret_stack, of ftrace_ret_stack {ret, retp}; a plain array, or since 6.11 (42675b723b48) a
 *   stack of words in which the structures lie. Both are searched word by word for the slot.
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt, isExpected } from '../base/errors.ts';
import { once } from '../base/search.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Stacks, type Stack } from '../kernel/stacks.ts';
import type { Task } from '../kernel/tasks.ts';
import { memberOf } from '../values/struct-view.ts';
import { cpuRunning } from './start-state.ts';

const rethookNames = ['arch_rethook_trampoline', '__kretprobe_trampoline', 'kretprobe_trampoline'];
const LONGEST_CHAIN = 4096;
const GRAPH_STACK_SIZE = 4096;
/** KPROBE_TABLE_SIZE: include/linux/kprobes.h. */
const KRETPROBE_BUCKETS = 64;

export interface RecoveredAddress {
  readonly ip: VirtAddr;
  readonly by: string;
}

interface HashedInstance {
  readonly address: VirtAddr;
  /** The slot it was made for. */
  readonly frame: VirtAddr | undefined;
}

export class Trampolines {
  readonly #kernel: Kernel;
  readonly #kretprobe: readonly VirtAddr[];
  readonly #graph: VirtAddr | undefined;
  readonly #stacks: () => Stacks;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#kretprobe = rethookNames.flatMap((name) => kernel.addressOf(name) ?? []);
    this.#graph = kernel.addressOf('return_to_handler');
    this.#stacks = once(() => new Stacks(kernel));
  }

  /**
   * The real return address behind a trampoline's; undefined where `ip` is none.
   * @param slot the stack word that `ip` was read from
   */
  resolve(ip: VirtAddr, slot: VirtAddr, task: Task): RecoveredAddress | undefined {
    const real = attempt(() => this.#find(ip, slot, task));
    if (real === undefined || ip !== this.#graph) return real;
    return this.resolve(real.ip, slot, task) ?? real;
  }

  /** Why the real return address behind a trampoline's cannot be told; undefined where `ip` is none. */
  whyLost(ip: VirtAddr, slot: VirtAddr, task: Task): string | undefined {
    if (ip !== this.#graph && !this.#kretprobe.includes(ip)) return undefined;
    const by = ip === this.#graph ? 'function graph' : 'kretprobe';
    const lost = `a tracer (${by}) has replaced the return address at ${slot.toString(16)}`;
    try {
      this.#find(ip, slot, task);
      return `${lost} and keeps no real one for it`;
    } catch (error) {
      if (!isExpected(error)) throw error;
      return `${lost}; where it keeps the real one: ${error.message}`;
    }
  }

  /** Throws where the tracer's own structures cannot be read. */
  #find(ip: VirtAddr, slot: VirtAddr, task: Task): RecoveredAddress | undefined {
    if (ip === this.#graph) {
      const real = this.#graphReturn(slot, task);
      return real === undefined ? undefined : { ip: real, by: 'function graph' };
    }
    if (!this.#kretprobe.includes(ip)) return undefined;
    const real = this.#rethookReturn(slot, task) ?? this.#kretprobeReturn(slot, task) ?? this.#hashedReturn(slot, task);
    return real === undefined ? undefined : { ip: real, by: 'kretprobe' };
  }

  #rethookReturn(slot: VirtAddr, task: Task): VirtAddr | undefined {
    return this.#search(task, 'rethooks.first', 'rethook_node', 'llist', 'frame', slot);
  }

  #kretprobeReturn(slot: VirtAddr, task: Task): VirtAddr | undefined {
    return this.#search(task, 'kretprobe_instances.first', 'kretprobe_instance', 'llist', 'fp', slot);
  }

  /** Along a list of nodes, newest first, the first that was made for this slot and holds a real address. */
  #search(
    task: Task,
    head: string,
    nodeType: string,
    link: string,
    frame: string,
    slot: VirtAddr,
  ): VirtAddr | undefined {
    const type = this.#kernel.types.compound('struct', nodeType);
    const linkOffset = type && memberOf(type, link)?.offset;
    if (!task.view.has(head) || type === undefined || linkOffset === undefined) return undefined;
    let node = task.view.pointer(head);
    for (let step = 0; node !== 0n && step < LONGEST_CHAIN; step++) {
      const view = this.#kernel.struct(nodeType, addVirt(node, -linkOffset));
      const address = view.pointer('ret_addr');
      if (view.pointer(frame) === slot && !this.#kretprobe.includes(address)) return address;
      node = this.#kernel.memory.pointer(node);
    }
    return undefined;
  }

  /**
   * From the hash table of all instances, by the frame where they keep it. Where they do not, the n-th newest slot that
   * holds a trampoline is the n-th newest instance's; only as long as there are as many of the one as of the other.
   */
  #hashedReturn(slot: VirtAddr, task: Task): VirtAddr | undefined {
    const instances = this.#hashedInstances(task);
    if (instances.some(({ frame }) => frame !== undefined)) {
      return instances.find(({ frame }) => frame === slot)?.address;
    }
    const stacks = this.#stacks();
    const onTask = this.#slotsOn(stacks.ofTask(task));
    const slots = onTask.length === instances.length ? onTask : [...this.#slotsOnIrqStack(task), ...onTask];
    return slots.length === instances.length ? instances[slots.indexOf(slot)]?.address : undefined;
  }

  /**
   * A task's, newest first. An instance that holds the trampoline again is a second one of the same slot, whose real
   * address the next one has.
   */
  #hashedInstances(task: Task): HashedInstance[] {
    const table = this.#kernel.addressOf('kretprobe_inst_table');
    const type = this.#kernel.types.compound('struct', 'kretprobe_instance');
    const link = type && memberOf(type, 'hlist')?.offset;
    if (table === undefined || type === undefined || link === undefined || !memberOf(type, 'task')) return [];
    const instances: HashedInstance[] = [];
    let steps = 0;
    for (let bucket = 0; bucket < KRETPROBE_BUCKETS; bucket++) {
      let node = this.#kernel.memory.pointer(addVirt(table, bucket * 8));
      for (; node !== 0n && steps < LONGEST_CHAIN; steps++) {
        const view = this.#kernel.struct('kretprobe_instance', addVirt(node, -link));
        const address = view.pointer('ret_addr');
        if (view.pointer('task') === task.address && !this.#kretprobe.includes(address)) {
          instances.push({ address, frame: view.has('fp') ? view.pointer('fp') : undefined });
        }
        node = this.#kernel.memory.pointer(node);
      }
    }
    return steps < LONGEST_CHAIN && instances.every(({ address }) => this.#kernel.symbols.isText(address))
      ? instances
      : [];
  }

  /** The words of a stack that hold a trampoline's address, from the newest to the oldest. */
  #slotsOn(stack: Stack): VirtAddr[] {
    const bytes = this.#kernel.memory.bytes(stack.base, stack.size);
    const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 8));
    const slots: VirtAddr[] = [];
    for (const [index, word] of words.entries()) {
      if (this.#kretprobe.includes(virtAddr(word))) slots.push(addVirt(stack.base, index * 8));
    }
    return slots;
  }

  /** Of the CPU a task was running on: what is there was entered from the task's own stack. */
  #slotsOnIrqStack(task: Task): VirtAddr[] {
    const cpu = cpuRunning(this.#kernel, task);
    const stack = cpu === undefined ? undefined : this.#stacks().irqOf(cpu);
    return stack === undefined ? [] : this.#slotsOn(stack);
  }

  #graphReturn(slot: VirtAddr, task: Task): VirtAddr | undefined {
    const type = this.#kernel.types.compound('struct', 'ftrace_ret_stack');
    const ret = type && memberOf(type, 'ret');
    const retp = type && memberOf(type, 'retp');
    if (!task.view.has('ret_stack') || ret === undefined || retp === undefined) return undefined;
    const base = task.view.pointer('ret_stack');
    if (base === 0n) return undefined;
    for (let offset = 0; offset + retp.offset + 8 <= GRAPH_STACK_SIZE; offset += 8) {
      const entry = addVirt(base, offset);
      if (this.#kernel.memory.pointer(addVirt(entry, retp.offset)) !== slot) continue;
      const address = this.#kernel.memory.pointer(addVirt(entry, ret.offset));
      if (address !== this.#graph && this.#kernel.symbols.isText(address)) return address;
    }
    return undefined;
  }
}
