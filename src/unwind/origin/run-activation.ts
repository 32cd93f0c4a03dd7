/** One run of a function, of which is known what its instructions compute and what copies they made. */

import { Activation, type Followed, type Surroundings } from '../code/activation.ts';
import type { FunctionCode } from '../code/function-code.ts';
import { stackDepth } from './stack-depth.ts';
import { laterCopy, type KnownPlace } from './later-copies.ts';

export class RunActivation extends Activation implements KnownPlace {
  readonly #known: Surroundings['now'];
  #leading: Uint8Array | undefined;

  constructor(code: FunctionCode, place: number, surroundings: Surroundings) {
    super(code, place, surroundings);
    this.#known = (register) => surroundings.now(register);
  }

  known(register: string): Followed | undefined {
    return this.#known(register);
  }

  override before(index: number, name: string): Followed | undefined {
    return super.before(index, name) ?? (name === 'rsp' ? this.#stackPointer(index) : laterCopy(this, index, name));
  }

  leadsHere(index: number): boolean {
    this.#leading ??= this.#findLeading();
    return this.#leading[index] === 1;
  }

  #stackPointer(index: number): Followed | undefined {
    const here = this.known('rsp');
    const [from, to] = [stackDepth(this.code, this.place), stackDepth(this.code, index)];
    if (here === undefined || from === undefined || to === undefined) return undefined;
    return { ...here, value: BigInt.asUintN(64, here.value + to - from) };
  }

  #findLeading(): Uint8Array {
    const { code, place } = this;
    const leading = new Uint8Array(code.instructions.length);
    const waiting = [place];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (leading[at] === 1) continue;
      leading[at] = 1;
      waiting.push(...code.predecessors(at));
    }
    return leading;
  }
}
