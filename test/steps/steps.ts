/** The budget of steps that count-steps-plugin.ts takes from. Loaded before every test file (vitest.config.ts). */

const left = new Float64Array([Infinity]);
Object.assign(globalThis, { vmscopeSteps: left });

/**
 * Runs `use`, which may take `budget` steps: loop rounds and function calls of the engine. An Error ends one that takes
 * more. Budgets do not nest: the inner one is taken from the outer one.
 */
export function withinSteps<T>(budget: number, use: () => T): T {
  const outer = left[0] ?? Infinity;
  left[0] = Math.min(budget, outer);
  const granted = left[0];
  try {
    return use();
  } finally {
    left[0] = outer - (granted - left[0]);
  }
}

/** The steps that `use` takes. */
export function stepsOf(use: () => void): number {
  let taken = 0;
  withinSteps(Number.MAX_SAFE_INTEGER, () => {
    const before = left[0] ?? 0;
    try {
      use();
    } finally {
      taken = before - (left[0] ?? 0);
    }
  });
  return taken;
}
