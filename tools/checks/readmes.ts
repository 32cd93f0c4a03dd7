/** Each main folder of src/ has a README whose table names every file in it, and no other. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export function readmeGaps(root: string): string[] {
  const src = join(root, 'src');
  return readdirSync(src).flatMap((folder) => {
    const readme = join(src, folder, 'README.md');
    if (!existsSync(readme)) return [`src/${folder} has no README.md`];
    const named = new Set(
      Array.from(readFileSync(readme, 'utf8').matchAll(/^\| `([^`]+)`\s*\|/gm), ([, name]) => name),
    );
    const files = readdirSync(join(src, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
      .map((entry) => relative(join(src, folder), join(entry.parentPath, entry.name)));
    return [
      ...files.filter((file) => !named.has(file)).map((file) => `src/${folder}/README.md does not name ${file}`),
      ...[...named]
        .filter((name) => !files.includes(name ?? ''))
        .map((name) => `src/${folder}/README.md names ${name}, which is not there`),
    ];
  });
}
