/** A dump some of whose pages are damaged as they are read: the file stays as it is. And what commands say of it. */

import { FaultError, VmcoreError } from '../../src/base/errors.ts';
import { parseLine } from '../../src/commands/line.ts';
import { invocationOf, runCommand } from '../../src/commands/run.ts';
import type { Session } from '../../src/commands/session.ts';
import type { DumpImage } from '../../src/formats/dump-image.ts';
import { AddressSpace } from '../../src/memory/address-space.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { renderAll } from '../../src/render/text/index.ts';
import type { Target } from '../../src/target/target.ts';
import { below, randomFrom } from '../builders/mutate.ts';

export const PAGE = 4096;

/** `missing`: not in the dump; `flipped`: a bit here and there; `overwritten`: ones. */
export type Damage = 'missing' | 'zeroed' | 'flipped' | 'overwritten';

/** The damage of a page, and undefined of one that is whole. */
export type DamageOf = (pfn: number) => Damage | undefined;

/** The same target, reading damaged memory. What it knew of the intact memory is not kept. */
export function damagedTarget(intact: Target, damageOf: DamageOf, touched?: (pfn: number) => void): Target {
  return changedTarget(intact, (address, bytes) => {
    for (let at = address - (address % PAGE); at < address + bytes.length; at += PAGE) {
      touched?.(at / PAGE);
      const damage = damageOf(at / PAGE);
      if (damage === 'missing') throw new FaultError('physical', Math.max(at, address), 'not-in-dump');
      if (damage !== undefined) spoil(bytes, at - address, damage, at / PAGE);
    }
  });
}

/** The same target with memory in which other bytes stand here and there, by physical address. */
export function overwrittenTarget(intact: Target, changes: ReadonlyMap<number, Uint8Array>): Target {
  return changedTarget(intact, (address, bytes) => {
    for (const [at, written] of changes) {
      const from = Math.max(at, address);
      const to = Math.min(at + written.length, address + bytes.length);
      if (from < to) bytes.set(written.subarray(from - at, to - at), from - address);
    }
  });
}

/** @param change what is read of the dump's memory from a physical address on is handed to it, and may be changed */
function changedTarget(intact: Target, change: (address: number, bytes: Uint8Array) => void): Target {
  const read = (address: number, bytes: Uint8Array): void => {
    intact.image.read(address, bytes);
    change(address, bytes);
  };
  const image = new Proxy(intact.image, {
    get(whole, name) {
      const value: unknown = name === 'read' ? read : Reflect.get(whole, name, whole);
      return typeof value === 'function' && name !== 'read' ? (value.bind(whole) as unknown) : value;
    },
  });
  return { ...intact, image, ...memoryOf(intact, image) };
}

function memoryOf(intact: Target, image: DumpImage): Pick<Target, 'physical' | 'memory'> {
  const physical = new PhysicalMemory(image);
  const tables = intact.architecture.pageTables(physical, intact.load.paging);
  return { physical, memory: new AddressSpace('kernel virtual', physical, tables) };
}

/** Damages what `bytes` holds of a page that begins at `start`, which may be before them. */
function spoil(bytes: Uint8Array, start: number, damage: Damage, seed: number): void {
  const [from, to] = [Math.max(0, start), Math.min(bytes.length, start + PAGE)];
  if (damage !== 'flipped') {
    bytes.fill(damage === 'zeroed' ? 0 : 0xff, from, to);
    return;
  }
  const random = randomFrom(seed);
  for (let at = start; at < start + PAGE; at++) {
    const flip = random() < 1 / 64 ? 1 << below(random, 8) : 0;
    if (at >= from && at < to) bytes[at] = (bytes[at] ?? 0) ^ flip;
  }
}

/** The lines a command prints, the error it ends with as the last one. Errors that are not for users pass through. */
export function answerOf(session: Session, line: string): string[] {
  const parsed = parseLine(line);
  if (parsed.kind !== 'command') throw new Error(`${line} is no command`);
  const lines: string[] = [];
  try {
    for (const text of renderAll(runCommand(session, invocationOf(parsed.words)))) lines.push(text);
  } catch (error) {
    if (!(error instanceof VmcoreError) || error.code === 'internal') throw error;
    lines.push(`error: ${error.message}`);
  }
  return lines;
}
