// What a tool of this folder throws when it cannot go on for a reason outside this project: no network, a missing
// program, a guest that did not boot. The message is for the user as it stands; every other error is a bug.

export class ToolError extends Error {
  override readonly name = 'ToolError';
}

/** Runs a tool's main function: a ToolError becomes one line on stderr and exit status 1. */
export async function runTool(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** Like Promise.all, but rejects only after every piece of work has ended, so that none goes on behind an error. */
export async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
