/**
 * The layers of src/: a folder imports only from those above it (DESIGN.md, "Layers"). What is stricter for one folder
 * is said in `strict`. Reads import statements as text.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const order = [
  'base', 'bytes', 'arch', 'formats', 'memory', 'debuginfo', 'target', 'disasm', 'values', 'expr', 'kernel', 'unwind',
  'query', 'analysis', 'commands', 'render', 'faces',
]; // prettier-ignore

/** Folders whose imports of values (not of types) are narrower than the order allows. */
const strict: Readonly<Record<string, readonly string[]>> = {
  analysis: ['base', 'query'],
  render: ['base', 'bytes'],
};

const importLine = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'(\.[^']*)';/gm;

/** Every import that breaks the layers, a line each. */
export function layerViolations(root: string): string[] {
  const src = join(root, 'src');
  const violations: string[] = [];
  for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
    const file = join(entry.parentPath, entry.name);
    const from = relative(src, file).split('/')[0] ?? '';
    if (!order.includes(from)) violations.push(`${relative(root, file)}: ${from} is no layer`);
    for (const [, type, path = ''] of readFileSync(file, 'utf8').matchAll(importLine)) {
      const to = relative(src, resolve(entry.parentPath, path)).split('/')[0] ?? '';
      const allowed =
        type === undefined
          ? (strict[from] ?? order.slice(0, order.indexOf(from)))
          : order.slice(0, order.indexOf(from));
      if (to !== from && !allowed.includes(to))
        violations.push(`${relative(root, file)} imports ${path}: ${from} may not use ${to}`);
    }
  }
  return violations;
}
