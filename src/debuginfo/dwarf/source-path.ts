/**
 * Source paths relative to the kernel tree: `fs/nfs/write.c`, wherever and however the kernel was built. Compilers
 * write them relative to the tree, relative to a separate build folder (`../../fs/nfs`) or to a folder above it
 * (`debian/build/source_rt/fs/nfs`), or absolute.
 */

/** The folders at the top of a kernel tree that hold C or assembler source. */
const topFolders = new Set([
  'arch', 'block', 'certs', 'crypto', 'drivers', 'fs', 'include', 'init', 'io_uring', 'ipc', 'kernel', 'lib', 'mm',
  'net', 'rust', 'samples', 'scripts', 'security', 'sound', 'tools', 'virt',
]); // prettier-ignore

export function joinPath(directory: string, name: string): string {
  return name.startsWith('/') || directory === '' ? name : `${directory}/${name}`;
}

/**
 * The path within the kernel tree, where one can be told; else the normalised path.
 * @param compilationDirectory of the unit the path is from
 */
export function treePath(path: string, compilationDirectory: string | undefined): string {
  if (compilationDirectory?.startsWith('/') === true && path.startsWith(`${compilationDirectory}/`)) {
    return treePath(path.slice(compilationDirectory.length + 1), undefined);
  }
  const parts = normalize(path).split('/');
  const within = parts[0] !== '' ? parts.filter((part) => part !== '..') : parts;
  if (topFolders.has(within[0] ?? '')) return within.join('/');
  const tree = within.findIndex((part, index) => isTree(within[index - 1]) && topFolders.has(part));
  return (tree < 0 ? within : within.slice(tree)).join('/');
}

/** `linux-6.1.192`, `kernel-5.14.0-503`, `linux`, `source_rt`: what the folder of a kernel tree is called. */
function isTree(name: string | undefined): boolean {
  return name !== undefined && /^(linux|kernel|source)(?![a-z0-9])/i.test(name);
}

function normalize(path: string): string {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '.' || (part === '' && out.length > 0)) continue;
    const last = out.at(-1);
    if (part === '..' && last !== undefined && last !== '..' && last !== '') out.pop();
    else out.push(part);
  }
  return out.join('/');
}
