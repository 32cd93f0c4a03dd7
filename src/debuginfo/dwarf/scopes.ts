/**
 * Which function, inlined calls and lexical blocks of a unit an address is in: DWARF 5 sections 3.3.1, 3.3.8, 3.5.
 * The functions of a unit are indexed once; the entries inside one are searched for each address.
 */

import { once, upperBound } from '../../base/search.ts';
import {
  DW_AT_declaration,
  DW_TAG_inlined_subroutine,
  DW_TAG_lexical_block,
  DW_TAG_namespace,
  DW_TAG_subprogram,
} from './constants.ts';
import { Die } from './die.ts';
import { coversAddress, forEachRange } from './ranges.ts';
import type { Unit } from './unit.ts';

const DEEPEST_SCOPE = 256;

export class UnitFunctions {
  readonly #unit: Unit;
  readonly #index: () => { starts: Float64Array; ends: Float64Array; positions: Uint32Array };

  constructor(unit: Unit) {
    this.#unit = unit;
    this.#index = once(() => this.#collect());
  }

  /** The function entry that covers an address. */
  functionAt(address: number): Die | undefined {
    const { starts, ends, positions } = this.#index();
    const index = upperBound(starts, address) - 1;
    const end = ends[index];
    return end !== undefined && address < end ? this.#unit.dieAt(positions[index] as number) : undefined;
  }

  /** The function, then the blocks and inlined calls inside it that cover the address, outermost first. */
  scopesAt(address: number): Die[] {
    const scopes: Die[] = [];
    let scope = this.functionAt(address);
    while (scope !== undefined && scopes.length < DEEPEST_SCOPE) {
      scopes.push(scope);
      scope = innerScope(scope, address);
    }
    return scopes;
  }

  #collect(): { starts: Float64Array; ends: Float64Array; positions: Uint32Array } {
    const found: { low: number; high: number; position: number }[] = [];
    const visited = new Set<number>();
    const visit = (parent: number, depth: number): void => {
      // Damaged siblings can lead into a list again and again.
      if (visited.has(parent)) return;
      visited.add(parent);
      this.#unit.forEachChild(parent, (position, abbrev) => {
        if (abbrev.tag === DW_TAG_namespace && depth < DEEPEST_SCOPE) visit(position, depth + 1);
        if (abbrev.tag !== DW_TAG_subprogram || abbrev.names.includes(DW_AT_declaration)) return false;
        forEachRange(new Die(this.#unit, position, abbrev), (low, high) => {
          if (high > low) found.push({ low, high, position });
          return false;
        });
        return false;
      });
    };
    visit(this.#unit.root().position, 0);
    found.sort((a, b) => a.low - b.low);
    return {
      starts: Float64Array.from(found, (entry) => entry.low),
      ends: Float64Array.from(found, (entry) => entry.high),
      positions: Uint32Array.from(found, (entry) => entry.position),
    };
  }
}

function innerScope(scope: Die, address: number): Die | undefined {
  let inner: Die | undefined;
  scope.unit.forEachChild(scope.position, (position, abbrev) => {
    if (abbrev.tag !== DW_TAG_inlined_subroutine && abbrev.tag !== DW_TAG_lexical_block) return false;
    const child = new Die(scope.unit, position, abbrev);
    if (!coversAddress(child, address)) return false;
    inner = child;
    return true;
  });
  return inner;
}
