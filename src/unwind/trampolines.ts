/**
 * Return addresses that a tracer replaced by its own trampoline, and where it keeps the real ones.
 *
 * - kretprobe through rethook (73f9b911faa7, v5.18): task->rethooks, a list of rethook_node {ret_addr, frame}.
 * - kretprobe before (5.11 to 6.0, d741bf41d7c7): task->kretprobe_instances {ret_addr, fp}.
 * - function graph: task->ret_stack, of ftrace_ret_stack {ret, retp}; a plain array, or since 6.11 (42675b723b48) a
 *   stack of words in which the structures lie. Both are searched word by word for the slot.
 */

import { addVirt, type VirtAddr } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Task } from '../kernel/tasks.ts';
import { memberOf } from '../values/struct-view.ts';

const rethookNames = ['arch_rethook_trampoline', '__kretprobe_trampoline', 'kretprobe_trampoline'];
const LONGEST_CHAIN = 4096;
const GRAPH_STACK_SIZE = 4096;

export interface RecoveredAddress {
  readonly ip: VirtAddr;
  readonly by: string;
}

export class Trampolines {
  readonly #kernel: Kernel;
  readonly #kretprobe: readonly VirtAddr[];
  readonly #graph: VirtAddr | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#kretprobe = rethookNames.flatMap((name) => kernel.addressOf(name) ?? []);
    this.#graph = kernel.addressOf('return_to_handler');
  }

  /**
   * The real return address behind a trampoline's; undefined where `ip` is none.
   * @param slot the stack word that `ip` was read from
   */
  resolve(ip: VirtAddr, slot: VirtAddr, task: Task): RecoveredAddress | undefined {
    if (ip === this.#graph) {
      const real = attempt(() => this.#graphReturn(slot, task));
      if (real === undefined) return undefined;
      return this.resolve(real, slot, task) ?? { ip: real, by: 'function graph' };
    }
    if (!this.#kretprobe.includes(ip)) return undefined;
    const real = attempt(() => this.#rethookReturn(slot, task) ?? this.#kretprobeReturn(slot, task));
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
