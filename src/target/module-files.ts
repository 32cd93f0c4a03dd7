/**
 * The debug files of kernel modules: found by name under the folders where distributions put them, taken only where
 * their build-id is that of the module in the dump. Folders are listed once, when the first module is asked for.
 */

import { attempt } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { once } from '../base/search.ts';
import { BytesSource, FileSource } from '../bytes/byte-source.ts';
import { ElfFile } from '../formats/elf/elf-file.ts';
import { buildIdOfElf, hasDwarf } from './vmlinux.ts';

const DEEPEST_FOLDER = 12;
const MOST_FILES = 100_000;
const moduleSuffix = /\.ko(\.debug)?(\.xz)?$/;

export class ModuleFiles {
  readonly #host: Host;
  readonly #folders: readonly string[];
  readonly #paths: () => Map<string, string[]>;

  /** @param folders searched with everything below them, in order of preference */
  constructor(host: Host, folders: readonly string[]) {
    this.#host = host;
    this.#folders = folders;
    this.#paths = once(() => this.#list());
  }

  /**
   * The file with the DWARF of a module, of exactly the build in the dump.
   * @param buildId of the module in the dump; undefined where the dump does not tell: then any build-id will do
   */
  find(name: string, buildId: string | undefined): ElfFile | undefined {
    for (const path of this.#paths().get(canonical(name)) ?? []) {
      const elf = this.#open(path);
      if (elf === undefined || !hasDwarf(elf)) continue;
      if (buildId === undefined || buildIdOfElf(elf) === buildId) return elf;
    }
    return undefined;
  }

  #open(path: string): ElfFile | undefined {
    if (path.endsWith('.xz')) {
      const bytes = this.#host.unpackFile(path, 'xz');
      return attempt(() => new ElfFile(new BytesSource(path, bytes)));
    }
    const file = this.#host.open(path);
    return file && attempt(() => new ElfFile(new FileSource(file)));
  }

  #list(): Map<string, string[]> {
    const paths = new Map<string, string[]>();
    let left = MOST_FILES;
    const visit = (folder: string, depth: number): void => {
      for (const entry of this.#host.list(folder)) {
        if (--left < 0) return;
        const path = `${folder}/${entry.name}`;
        if (entry.kind === 'folder' && depth < DEEPEST_FOLDER) visit(path, depth + 1);
        if (entry.kind !== 'file' || !moduleSuffix.test(entry.name)) continue;
        const name = canonical(entry.name.replace(moduleSuffix, ''));
        const known = paths.get(name);
        if (known === undefined) paths.set(name, [path]);
        else known.push(path);
      }
    };
    for (const folder of this.#folders) visit(folder, 0);
    return paths;
  }
}

/** Module names have underscores where their files may have hyphens. */
function canonical(name: string): string {
  return name.replaceAll('-', '_');
}
