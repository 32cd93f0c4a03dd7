/** An opening that takes long says so on standard error, and takes it back when it is done. */

const PATIENCE_MILLISECONDS = 400;
const TICK_MILLISECONDS = 250;
const CLEAR_LINE = '\r\u001b[K';

/** @param work gets a function that silences us: it tells itself how far it is */
export async function withOpeningProgress<T>(what: string, work: (hush: () => void) => Promise<T>): Promise<T> {
  const begin = performance.now();
  let shown = false;
  const clear = (): void => {
    clearInterval(tick);
    if (shown) process.stderr.write(CLEAR_LINE);
    shown = false;
  };
  const tick = setInterval(() => {
    const elapsed = performance.now() - begin;
    if (elapsed < PATIENCE_MILLISECONDS || !process.stderr.isTTY) return;
    shown = true;
    process.stderr.write(`${CLEAR_LINE}opening ${what} … ${(elapsed / 1000).toFixed(0)} s`);
  }, TICK_MILLISECONDS);
  try {
    return await work(clear);
  } finally {
    clear();
  }
}
