/**
 * Where an object is, as crash's commands take it: an address, a symbol, `(an expression)`, and behind it `:CPUs` for
 * a per-CPU object.
 */

import type { VirtAddr } from '../base/addr.ts';
import { UsageError } from '../base/errors.ts';
import { readCpus } from '../kernel/cpus.ts';
import { parseCpus, type Session } from './session.ts';

export interface Place {
  readonly address: VirtAddr;
  /** Of a per-CPU object. */
  readonly cpu: number | undefined;
}

/** `word` with its CPUs; undefined where it has none. Throws UsageError for CPUs that are not there. */
export function splitCpus(session: Session, word: string): { word: string; cpus: readonly number[] | undefined } {
  const match = /^(.*):([\d,-]*|a|all)$/.exec(word);
  if (match?.[1] === undefined || match[2] === undefined) return { word, cpus: undefined };
  return { word: match[1], cpus: parseCpusBehind(session, match[2]) };
}

/** What stands behind the colon of `runqueues:0`: nothing is the CPU of the current task. Throws UsageError. */
export function parseCpusBehind(session: Session, text: string): readonly number[] {
  return text === '' ? [session.current.cpu] : parseCpus(text, readCpus(session.kernel).possible);
}

/** @throws UsageError where the word names nothing, or a per-CPU symbol without a CPU */
export function parsePlaces(session: Session, text: string): Place[] {
  const { word, cpus } = splitCpus(session, text);
  const address = session.address(word);
  const { kernel } = session;
  const [symbol] = kernel.symbols.named(word);
  if (cpus !== undefined) {
    if (symbol !== undefined && !kernel.perCpu.isPerCpu(symbol))
      throw new UsageError(`${word} is no per-CPU symbol: there is but one`);
    return cpus.map((cpu) => ({ address: kernel.perCpu.at(address, cpu), cpu }));
  }
  if (symbol !== undefined && kernel.perCpu.isPerCpu(symbol))
    throw new UsageError(`${word} is a per-CPU symbol: say of which CPUs, as in ${word}:0 or ${word}:a`);
  return [{ address, cpu: undefined }];
}
