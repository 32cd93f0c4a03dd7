// Progress on stderr: one line when a step starts, one with its time when it ends.
// Steps may run at the same time, so every line names its step and none is ever rewritten in place.

const started = performance.now();

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Prints one line to stderr, with the time since the tool started. */
export function note(line: string): void {
  process.stderr.write(`[${seconds(performance.now() - started).padStart(7)}] ${line}\n`);
}

/** Runs one step and tells when it starts, and how long it took. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  note(`${what} …`);
  const result = await work();
  note(`${what}: ${seconds(performance.now() - begin)}`);
  return result;
}
