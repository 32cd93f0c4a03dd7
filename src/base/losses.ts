/**
 * What `attempt` passes over because memory is not there: a value that is left out on the way to an answer must not
 * be left out silently. Whoever answers a question begins a tally before it, and says what is in it behind the answer.
 *
 * Only memory that the dump lacks is counted. An address that is not mapped is an answer in itself: half of what is
 * looked at (words on a stack, members of objects that may be something else) is no pointer at all.
 */

import type { FaultError } from './errors.ts';

const MOST_KEPT = 1000;
const PAGE_BITS = 12n;

/** Pages that were wanted and are not there. */
export class Losses {
  readonly #pages = new Map<string, FaultError>();
  /** The last tally that all of these were added to. */
  #addedTo: Losses | undefined;

  note(error: FaultError): void {
    if (error.why === 'not-mapped' || this.#pages.size >= MOST_KEPT) return;
    const page = `${error.space} ${error.address >> PAGE_BITS}`;
    if (!this.#pages.has(page)) this.#pages.set(page, error);
  }

  /** The first of each page, in the order they were met. */
  get faults(): readonly FaultError[] {
    return [...this.#pages.values()];
  }

  /** Adds them to another tally; cheap where that was done before. */
  addTo(other: Losses): void {
    if (this.#pages.size === 0 || this.#addedTo === other) return;
    for (const error of this.#pages.values()) other.note(error);
    this.#addedTo = other;
  }
}

let tally = new Losses();

/** Begins a new tally: what is passed over from now on is in it. */
export function beginLosses(): Losses {
  tally = new Losses();
  return tally;
}

/** Memory that was wanted is not there, and the answer goes on without it. */
export function noteLoss(error: FaultError): void {
  tally.note(error);
}

/** What was lost before, on the way to a value that is kept, counts for whoever uses the value now. */
export function noteLosses(losses: Losses): void {
  losses.addTo(tally);
}

/** Runs `use` with a tally of its own; what is in it counts for the tally around it, too. */
export function tallied<T>(use: (own: Losses) => T): T {
  const outer = tally;
  const own = new Losses();
  tally = own;
  try {
    return use(own);
  } finally {
    tally = outer;
    own.addTo(outer);
  }
}
