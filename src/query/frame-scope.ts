/** The names of C expressions in a frame: its variables and registers, then the kernel's. */

import { LookupError } from '../base/errors.ts';
import { nearestNames } from '../base/suggest.ts';
import type { Scope } from '../expr/scope.ts';
import type { VirtAddr } from '../base/addr.ts';
import type { TypeCatalog } from '../debuginfo/types/catalog.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { unsignedLongType } from '../expr/c-types.ts';
import { computedValue, type Value } from '../values/value.ts';
import type { FrameVariable } from '../unwind/variables.ts';
import type { ChosenStack, FramePosition } from './chosen-frame.ts';
import { nameOf } from './chosen-frame.ts';

export class FrameNames implements Scope {
  readonly #globals: Scope;
  readonly #stack: ChosenStack;
  readonly #position: FramePosition;
  #variables: ReadonlyMap<string, FrameVariable> | undefined;

  constructor(globals: Scope, stack: ChosenStack, position: FramePosition) {
    this.#globals = globals;
    this.#stack = stack;
    this.#position = position;
  }

  get types(): TypeCatalog {
    return this.#globals.types;
  }

  get memory(): AddressSpace {
    return this.#globals.memory;
  }

  variable(name: string): Value | undefined {
    if (name.startsWith('$')) return this.#register(name.slice(1));
    const own = this.#own(name);
    if (own === undefined) return this.#globals.variable(name);
    if (own.value === undefined)
      throw new LookupError('value', `of ${name} in frame ${nameOf(this.#position)}: ${own.absent?.why ?? ''}`);
    return own.value;
  }

  untyped(name: string): VirtAddr | undefined {
    return this.#own(name) === undefined ? this.#globals.untyped(name) : undefined;
  }

  perCpu(name: string, cpu: number): Value | undefined {
    return this.#globals.perCpu(name, cpu);
  }

  isPerCpu(name: string): boolean {
    return this.#own(name) === undefined && this.#globals.isPerCpu(name);
  }

  isVariable(name: string): boolean {
    return this.#own(name) !== undefined || this.#globals.isVariable(name);
  }

  history(number: number): Value | undefined {
    return this.#globals.history(number);
  }

  suggestions(name: string): readonly string[] {
    const own = nearestNames(name, this.#all().keys());
    return own.length > 0 ? own : this.#globals.suggestions(name);
  }

  #own(name: string): FrameVariable | undefined {
    return this.#all().get(name);
  }

  /** Of the same name the innermost block's, which stands first. */
  #all(): ReadonlyMap<string, FrameVariable> {
    if (this.#variables === undefined) {
      const { variables } = this.#stack.scope(this.#position);
      this.#variables = new Map(variables.toReversed().map((variable) => [variable.name, variable]));
    }
    return this.#variables;
  }

  #register(name: string): Value | undefined {
    const known = this.#stack.register(this.#position, name);
    if (known === undefined)
      throw new LookupError('register', `$${name} in frame ${nameOf(this.#position)} (a call may have changed it)`);
    const value = computedValue(unsignedLongType, known.value);
    return known.inferred === undefined ? value : { ...value, inferred: known.inferred };
  }
}
