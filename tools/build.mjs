// Builds the program: dist/vmscope.js, the chunks it loads when they are needed, and the worker of the prompt.
// usage: node tools/build.mjs
//
// Invariants: nothing in the folder needs node_modules. Every file is renamed to its place whole, the entry points
// last, and only then is removed what an earlier build left: a program that is starting finds what it imports.
import { build } from 'esbuild';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { icedWithoutNode } from './iced-plugin.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** xz-decompress asks CommonJS for what is a global of every platform we run on; an ES module cannot require. */
const globalStreams = {
  name: 'global-streams',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^stream\/web$/ }, () => ({ path: 'stream/web', namespace: 'global-streams' }));
    onLoad({ filter: /.*/, namespace: 'global-streams' }, () => ({ contents: 'module.exports = globalThis;' }));
  },
};

/** The program, and what it starts or loads as a whole. */
const programs = {
  vmscope: 'src/faces/node/vmscope.ts',
  prompt: 'src/faces/node/prompt.ts',
  'engine-worker': 'src/faces/node/engine-worker.ts',
  'iced-x86': 'iced-x86',
  capture: 'src/faces/node/capture/command.ts',
  faddr2line: 'src/faces/node/faddr2line/command.ts',
};

/**
 * Loaded as they are by the programs that need them: the prompt by the command line where there is a terminal, a
 * subcommand (NAME/command.ts, as NAME.js) where it is named, the disassembler, which is large, by whatever has the
 * engine in it.
 */
const apart = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/prompt\.ts$/ }, () => ({ path: './prompt.js', external: true }));
    onResolve({ filter: /^\.\/\w+\/command\.ts$/ }, ({ path }) => ({
      path: path.replace('/command.ts', '.js'),
      external: true,
    }));
    onResolve({ filter: /^iced-x86$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './iced-x86.js', external: true },
    );
  },
};

const isProgram = ({ path }) => Object.keys(programs).includes(basename(path, '.js'));

/**
 * One program with its lazily loaded chunks. Programs share no chunks: each file that is loaded at the start costs a
 * millisecond, and what several programs share would be cut into many small ones.
 */
async function bundle(name, entry, folder, version) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { [name]: entry },
    outdir: folder,
    chunkNames: `${name}-[name]-[hash]`,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    define: { VMSCOPE_VERSION: JSON.stringify(version) },
    plugins: [globalStreams, apart, icedWithoutNode],
    legalComments: 'inline',
    logLevel: 'warning',
    write: false,
  });
  return outputFiles;
}

/** Builds into a folder, which is made; gives the path of the program. */
export async function buildProgram(folder = join(root, 'dist')) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const files = (
    await Promise.all(Object.entries(programs).map(([name, entry]) => bundle(name, entry, folder, version)))
  ).flat();
  await mkdir(folder, { recursive: true });
  for (const file of files.sort((a, b) => Number(isProgram(a)) - Number(isProgram(b)))) {
    const making = `${file.path}.${process.pid}.making`;
    await writeFile(making, file.contents);
    await rename(making, file.path);
  }
  const made = new Set(files.map(({ path }) => basename(path)));
  for (const name of await readdir(folder)) {
    if (!made.has(name) && name.endsWith('.js')) await rm(join(folder, name), { force: true });
  }
  return join(folder, 'vmscope.js');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildProgram();
