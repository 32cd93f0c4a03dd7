/**
 * The ways from a function that was called to the one that runs in its place: a function that ends in a jump to
 * another leaves nothing on the stack.
 */

import { addVirt, type VirtAddr } from '../../base/addr.ts';
import type { NamedCode } from './code-source.ts';
import type { FunctionCode } from './function-code.ts';
import { isColdPart, type Functions } from './functions.ts';
import { possibleExits } from './jump-scan.ts';

/** A function that was gone through, left by the jump at an index. */
export interface TailStep {
  readonly code: FunctionCode;
  readonly jump: number;
}

export type TailWay = readonly TailStep[];

/** How many functions lie on the longest way that is looked for. */
const LONGEST_WAY = 4;
const MOST_FUNCTIONS = 4000;
const MOST_WAYS = 64;

/**
 * Every way by direct jumps, in no order.
 * @returns a sentence where there is none, or too much to look at
 */
export function tailWays(functions: Functions, from: FunctionCode, to: VirtAddr): readonly TailWay[] | string {
  const search = new Search(functions, to);
  search.follow(from, []);
  if (search.tooMany) return `too many functions might have led there from ${from.name}`;
  return search.ways.length === 0 ? `no jump leads there from ${from.name}` : search.ways;
}

class Search {
  readonly ways: TailWay[] = [];
  tooMany = false;
  readonly #functions: Functions;
  readonly #to: VirtAddr;
  /** How many jumps are not enough to come there from code that starts at an address. */
  readonly #fruitless = new Map<number, number>();
  readonly #exits = new Map<number, readonly VirtAddr[]>();

  constructor(functions: Functions, to: VirtAddr) {
    this.#functions = functions;
    this.#to = to;
  }

  follow(code: FunctionCode, before: TailWay): void {
    if (before.length >= LONGEST_WAY || before.some((step) => step.code === code)) return;
    for (const { index, target } of code.tailJumps) {
      if (this.ways.length >= MOST_WAYS) this.tooMany = true;
      if (target.kind !== 'address' || this.tooMany) continue;
      const way = [...before, { code, jump: index }];
      if (target.address === this.#to) this.ways.push(way);
      // A part of a function elsewhere is a jump more.
      else if (this.#mayLeadThere(target.address, 2 * (LONGEST_WAY - way.length))) {
        const next = this.#functions.startingAt(target.address);
        if (next !== undefined) this.follow(next, way);
      }
    }
  }

  /** Without decoding anything: of hundreds of functions few do. */
  #mayLeadThere(start: VirtAddr, jumps: number): boolean {
    const key = keyOf(start);
    if (jumps <= 0 || (this.#fruitless.get(key) ?? 0) >= jumps) return false;
    // A loop that leads back here leads nowhere else.
    this.#fruitless.set(key, jumps);
    const leads = this.#exitsOf(start).some((exit) => exit === this.#to || this.#mayLeadThere(exit, jumps - 1));
    if (leads) this.#fruitless.delete(key);
    return leads;
  }

  #exitsOf(start: VirtAddr): readonly VirtAddr[] {
    const key = keyOf(start);
    let exits = this.#exits.get(key);
    if (exits === undefined) {
      if (this.#exits.size >= MOST_FUNCTIONS) this.tooMany = true;
      exits = this.tooMany ? [] : this.#readExits(start);
      this.#exits.set(key, exits);
    }
    return exits;
  }

  /** The starts of named code that jumps may lead to. */
  #readExits(start: VirtAddr): VirtAddr[] {
    const { source } = this.#functions;
    const range = source.rangeAt(start);
    const bytes = range?.start === start ? source.read(start, lengthOf(range)) : undefined;
    if (bytes === undefined) return [];
    return [...possibleExits(bytes)].flatMap((offset) => {
      const exit = addVirt(start, offset);
      const to = source.rangeAt(exit);
      return exit === this.#to || to?.start === exit ? exit : to !== undefined && isColdPart(to) ? to.start : [];
    });
  }
}

function lengthOf({ start, end }: NamedCode): number {
  return Math.min(Number(end - start), 1 << 16);
}

/** As a number, which is exact for kernel code. */
function keyOf(address: VirtAddr): number {
  return Number(BigInt.asIntN(64, address));
}
