/** Paths as they are typed where no shell reads them. */

/** With ~/ at its beginning as the shell would have it. */
export function userPath(path: string): string {
  return path.startsWith('~/') ? `${process.env['HOME'] ?? '~'}${path.slice(1)}` : path;
}
