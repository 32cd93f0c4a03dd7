/**
 * The one interface to disassemblers, and where they are kept. A disassembler is large and starts asynchronously, so
 * none is loaded before it is asked for: `disassemblerFor` throws NeedResource, the face awaits `loadDisassembler`
 * and runs the command again. What is kept is code, not state of a dump: it is loaded once for all.
 */

import type { Architecture } from '../arch/architecture.ts';
import type { VirtAddr } from '../base/addr.ts';
import { NeedResource } from '../base/errors.ts';
import type { Effects, Instruction } from './instruction.ts';
import { IcedDisassembler } from './x86-64/iced.ts';

export interface Disassembler {
  /** In bytes: no instruction is longer. */
  readonly longest: number;
  /**
   * The instructions in `bytes`, one after the other. Bytes that are no instruction are given one by one, as kind
   * `invalid`; an instruction that the end of the bytes cuts off is left out.
   * @param most stops after so many
   */
  decode(bytes: Uint8Array, address: VirtAddr, most?: number): Instruction[];
  /** As objdump of GNU binutils writes it, numbers with 0x, without symbols. */
  text(instruction: Instruction): string;
  effects(instruction: Instruction): Effects;
}

type ArchitectureName = Architecture['name'];

const loaded = new Map<ArchitectureName, Disassembler>();

/** Throws NeedResource where it has not been loaded. */
export function disassemblerFor(architecture: ArchitectureName): Disassembler {
  const disassembler = loaded.get(architecture);
  if (disassembler === undefined) throw new NeedResource({ kind: 'disassembler', architecture });
  return disassembler;
}

/** Loads what `disassemblerFor` asked for. */
export async function loadDisassembler(architecture: ArchitectureName): Promise<void> {
  if (loaded.has(architecture)) return;
  const { default: iced } = await import('iced-x86');
  loaded.set(architecture, new IcedDisassembler(iced));
}
