// Runs a TypeScript tool of this folder on Node 20, which cannot run .ts: bundles it with esbuild and imports it.
// usage: node tools/run.mjs tools/NAME.ts [ARGUMENT ...]
import { build } from 'esbuild';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [entry, ...rest] = process.argv.slice(2);
const outfile = `${root}node_modules/.cache/vmscope-tools/${entry.replaceAll('/', '-')}.mjs`;
await build({
  absWorkingDir: root,
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
  sourcemap: 'inline',
});
process.argv = [process.argv[0], entry, ...rest];
process.chdir(root);
await import(pathToFileURL(outfile).href);
