/** How a bug of ours is told to the user: one line and what to do, the JavaScript stack only where it was asked for. */

export function bugText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return [
    `vmscope: internal error: ${message}`,
    'This is a bug in vmscope. Please report it with the command that led to it and the output under VMSCOPE_DEBUG=1.',
    ...(process.env['VMSCOPE_DEBUG'] === '1' && stack !== undefined ? [stack] : []),
  ].join('\n');
}
