/**
 * One run of a function, up to the place where it stands: what its registers were there and at other places it came
 * by, as far as the code tells from what is known now and was known at its entry.
 *
 * Invariant: a value holds on every way through the code that leads to the place, however often loops were gone
 * round. Memory alone may have changed since; whoever reads it says so.
 */

import { checkCancelled } from '../../base/cancel.ts';
import { evaluate, type Formula, type MemoryFormula } from './formula.ts';
import type { FunctionCode } from './function-code.ts';
import { instructionsBetween, isUnchangedBetween, reachingDefinitions, type Definition } from './reaching.ts';

/** A value that was found by following the code, with what has to be said of it. */
export interface Followed {
  readonly value: bigint;
  /** How it came about, for people; empty where it is known anyway. */
  readonly notes: readonly string[];
  /** It was read from memory that anybody may have written since. */
  readonly stale: boolean;
}

/** What is known without following anything. */
export function knownValue(value: bigint, inferred?: string): Followed {
  return { value, notes: inferred === undefined ? [] : [inferred], stale: false };
}

/** What is known of a run but by its code. */
export interface Surroundings {
  /** A register at the place where the run stands. */
  now(register: string): Followed | undefined;
  /** A register when the function was entered. */
  entry(register: string): Followed | undefined;
  /** What memory holds, now. */
  memory(address: bigint, part: MemoryFormula): Followed | undefined;
}

/** Each is a walk over the function at worst. */
const MOST_QUESTIONS = 5000;

export class Activation {
  readonly code: FunctionCode;
  readonly place: number;
  readonly #surroundings: Surroundings;
  /** By place and register. While one is being asked for, it is not known: a loop leads back to it. */
  readonly #before = new Map<string, Followed | undefined>();

  constructor(code: FunctionCode, place: number, surroundings: Surroundings) {
    this.code = code;
    this.place = place;
    this.#surroundings = surroundings;
  }

  /** A register at the place where the run stands. */
  register(name: string): Followed | undefined {
    return this.#surroundings.now(name) ?? this.computed(name);
  }

  /** The same from the code alone, whatever else is known of it. */
  computed(name: string): Followed | undefined {
    if (this.code.incomplete !== undefined) return undefined;
    const found = this.#byDefinitions(this.place, name);
    const [definition, another] = reachingDefinitions(this.code, this.place, name);
    if (found === undefined || definition?.kind !== 'instruction' || another !== undefined) return found;
    return { ...found, notes: [`set by ${this.code.text(definition.index)}`, ...found.notes] };
  }

  /** A register before the instruction at an index, whenever that was executed on the way here. */
  before(index: number, name: string): Followed | undefined {
    const key = `${index} ${name}`;
    if (this.#before.has(key)) return this.#before.get(key);
    if (this.#before.size >= MOST_QUESTIONS) return undefined;
    checkCancelled();
    this.#before.set(key, undefined);
    const now = this.#surroundings.now(name);
    const found =
      now !== undefined && isUnchangedBetween(this.code, index, this.place, name)
        ? now
        : this.#byDefinitions(index, name);
    this.#before.set(key, found);
    return found;
  }

  /**
   * What a formula gives before the instruction at an index.
   * @param known registers of which more is known than of every time that it was executed
   */
  evaluate(formula: Formula, index: number, known?: ReadonlyMap<string, Followed>): Followed | undefined {
    const notes = new Set<string>();
    let stale = false;
    const noted = (found: Followed | undefined): bigint | undefined => {
      for (const note of found?.notes ?? []) notes.add(note);
      stale ||= found?.stale === true;
      return found?.value;
    };
    const value = evaluate(formula, {
      register: (name) => noted(known?.get(name) ?? this.before(index, name)),
      memory: (address, part) =>
        this.isOverwritten(index, address, part.size) ? undefined : noted(this.#surroundings.memory(address, part)),
    });
    return value === undefined ? undefined : { value, notes: [...notes], stale };
  }

  /** Whether the function itself may have written to memory again behind an index, as far as it tells where it writes. */
  isOverwritten(index: number, address: bigint, size: number): boolean {
    return instructionsBetween(this.code, index, this.place).some((between) =>
      this.code.effect(between).stores.some(({ place }) => {
        if (between === index || place.segment !== undefined) return false;
        const to = this.#addressBefore(between, place.address);
        return to !== undefined && to < address + BigInt(size) && address < to + BigInt(place.size);
      }),
    );
  }

  /** Of a place on the stack or at a fixed address: others are known too seldom to be worth the search. */
  #addressBefore(index: number, address: Formula): bigint | undefined {
    return evaluate(address, {
      register: (name) => (name === 'rsp' || name === 'rbp' ? this.before(index, name)?.value : undefined),
      memory: () => undefined,
    });
  }

  #byDefinitions(index: number, name: string): Followed | undefined {
    let found: Followed | undefined;
    for (const definition of reachingDefinitions(this.code, index, name)) {
      const one = this.#defined(definition, name);
      if (one === undefined || (found !== undefined && found.value !== one.value)) return undefined;
      found = found === undefined ? one : bothWays(found, one);
    }
    return found;
  }

  #defined(definition: Definition, name: string): Followed | undefined {
    switch (definition.kind) {
      case 'entry':
        return this.#surroundings.entry(name);
      case 'fixup':
        return undefined;
      case 'instruction': {
        const formula = this.code.effect(definition.index).registers.get(name);
        return formula && this.evaluate(formula, definition.index);
      }
    }
  }
}

/** One value that two ways give. */
function bothWays(one: Followed, other: Followed): Followed {
  return { ...one, notes: [...new Set([...one.notes, ...other.notes])], stale: one.stale || other.stale };
}
