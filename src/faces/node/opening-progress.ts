/** An opening that takes long says so on standard error, and takes it back when it is done. */

const PATIENCE_MILLISECONDS = 400;
const TICK_MILLISECONDS = 250;
const CLEAR_LINE = '\r\u001b[K';

export async function withOpeningProgress<T>(what: string, work: Promise<T>): Promise<T> {
  const begin = performance.now();
  let shown = false;
  const tick = setInterval(() => {
    const elapsed = performance.now() - begin;
    if (elapsed < PATIENCE_MILLISECONDS || !process.stderr.isTTY) return;
    shown = true;
    process.stderr.write(`${CLEAR_LINE}opening ${what} … ${(elapsed / 1000).toFixed(0)} s`);
  }, TICK_MILLISECONDS);
  try {
    return await work;
  } finally {
    clearInterval(tick);
    if (shown) process.stderr.write(CLEAR_LINE);
  }
}
