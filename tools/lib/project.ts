// Finds this project's own files at run time.
// A tool runs from a bundle (node_modules/.cache/…) and from vitest alike, so the root is found by walking up from
// wherever this module was loaded, never by a fixed number of folders.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'tools', 'fixtures', 'guest'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('The project folder was not found above this tool.');
    folder = parent;
  }
  return folder;
}

let root: string | undefined;

/** The absolute path of a file of this project, given relative to its root. */
export function projectFile(path: string): string {
  root ??= findRoot();
  return join(root, path);
}
