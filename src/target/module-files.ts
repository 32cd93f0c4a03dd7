/**
 * The files of kernel modules: found by build-id first, then by the debug link of a stripped file, then by name under
 * the folders where distributions put them, at last by build-id on a debuginfod server. Taken by themselves only where they are of the very build in the dump.
 *
 * Folders are listed one after the other, each once, as far as they are needed; names from a dump or a file are only
 * compared with what the folders hold, never made part of a path.
 */

import { OpenError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { fetchedBefore } from './cache-folders.ts';
import { debuglinkPaths, isLinked, readDebuglink } from './debuglink.ts';
import {
  canonicalName,
  isPacked,
  openModuleFile,
  type ModuleFile,
  type Proof,
  type WantedModule,
} from './module-file.ts';
import { isBuildId } from './vmlinux-places.ts';

export interface ModuleFolder {
  readonly path: string;
  /** Whether everything below it is searched, too. */
  readonly deep: boolean;
}

export interface ModulePlaces {
  /** Of the kernel; undefined where the dump does not tell. */
  readonly release: string | undefined;
  /** Folders that may have a .build-id below them, and the tree of folders that debug links lead to. */
  readonly debugRoots: readonly string[];
  /** In order of preference. */
  readonly folders: readonly ModuleFolder[];
  /** Whether debuginfod may have a part in it: files that were fetched, servers. */
  readonly debuginfod: boolean;
}

export interface FoundModuleFile {
  readonly file: ModuleFile;
  readonly proof: Proof;
}

export interface ModuleSearch {
  /** With DWARF where there is such a file; else a stripped one: it has code and perhaps BTF. */
  readonly found: FoundModuleFile | undefined;
  /** A file that must be unpacked before more is known, where that was not wanted. */
  readonly packed: string | undefined;
  /** Why other files were not taken. */
  readonly refusals: readonly string[];
}

const DEEPEST_FOLDER = 12;
const MOST_FILES = 100_000;
const moduleSuffix = /\.ko(\.debug)?(\.(xz|zst|gz))?$/;
const strength: Readonly<Record<Proof, number>> = { 'build-id': 2, srcversion: 1, name: 0 };

export class ModuleFiles {
  readonly places: ModulePlaces;
  readonly #host: Host;
  readonly #listings = new Map<string, Map<string, string[]>>();

  constructor(host: Host, places: ModulePlaces) {
    this.#host = host;
    this.places = places;
  }

  /** The file of exactly the build in the dump. Throws NeedResource where one must be unpacked first. */
  find(wanted: WantedModule): FoundModuleFile | undefined {
    return this.search(wanted).found;
  }

  /**
   * As `find`, with what stood in the way.
   * @param unpack whether compressed files may be asked for; else the search ends at the first one
   */
  search(wanted: WantedModule, unpack = true): ModuleSearch {
    const refusals: string[] = [];
    return this.#searchAmong(this.#everywhere(wanted, unpack, refusals), wanted, unpack, refusals);
  }

  /** As `search`, in one folder and below it. */
  searchIn(folder: string, wanted: WantedModule): ModuleSearch {
    return this.#searchAmong(this.#candidates(wanted, [folder], [{ path: folder, deep: true }]), wanted, true, []);
  }

  /**
   * A file that the user names.
   * @throws OpenError where it cannot be opened, or is of another build
   */
  open(path: string, wanted: WantedModule): FoundModuleFile {
    const file = openModuleFile(this.#host, path);
    const proof = file.proofOf(wanted, this.places.release);
    if (typeof proof === 'string') return this.#behindDebuglink(file, wanted) ?? { file, proof };
    file.close();
    throw new OpenError(proof.refused);
  }

  /** Whether a folder holds any module file. */
  holdsAny(folder: string): boolean {
    return this.#listing({ path: folder, deep: true }).size > 0;
  }

  /** Folders are listed again when next needed: the user may have put something there. */
  forgetListings(): void {
    this.#listings.clear();
  }

  /** The cheapest first; each is only sought where those before it did not suffice. */
  *#everywhere(wanted: WantedModule, fetch: boolean, refusals: string[]): Generator<string> {
    const { debugRoots, folders } = this.places;
    yield* this.#candidates(wanted, debugRoots, folders);
    const { buildId } = wanted;
    if (!this.places.debuginfod || buildId === undefined || !isBuildId(buildId)) return;
    const cached = fetchedBefore(this.#host, buildId);
    if (cached !== undefined) yield cached;
    if (!fetch) return;
    const answer = this.#host.fetchDebugFile(buildId);
    if ('path' in answer) {
      if (answer.path !== cached) yield answer.path;
    } else if (answer.asked) refusals.push(`debuginfod: ${answer.problem}`);
  }

  *#candidates(
    { name, buildId }: WantedModule,
    debugRoots: readonly string[],
    folders: readonly ModuleFolder[],
  ): Generator<string> {
    const seen = new Set<string>();
    if (buildId !== undefined && isBuildId(buildId))
      for (const root of debugRoots) yield `${root}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
    for (const folder of folders) {
      for (const path of this.#listing(folder).get(canonicalName(name)) ?? []) {
        if (!seen.has(path)) yield path;
        seen.add(path);
      }
    }
  }

  #searchAmong(paths: Iterable<string>, wanted: WantedModule, unpack: boolean, refusals: string[]): ModuleSearch {
    const enough =
      wanted.buildId === undefined && wanted.srcversion === undefined ? strength.name : strength.srcversion;
    let best: FoundModuleFile | undefined;
    let packed: string | undefined;
    for (const path of paths) {
      const isCompressed = isPacked(this.#host, path);
      if (isCompressed === undefined) continue;
      if (isCompressed && !unpack) {
        packed = path;
        break;
      }
      const found = this.#accepted(path, wanted);
      if (typeof found === 'string') {
        refusals.push(found);
        continue;
      }
      const whole = this.#behindDebuglink(found.file, wanted, unpack) ?? found;
      if (best === undefined || worth(whole) > worth(best)) {
        best?.file.close();
        best = whole;
      } else whole.file.close();
      if (best.file.hasDwarf && strength[best.proof] >= enough) break;
    }
    return { found: best, packed: best === undefined ? packed : undefined, refusals };
  }

  /** What is wrong with the file otherwise. */
  #accepted(path: string, wanted: WantedModule): FoundModuleFile | string {
    let file: ModuleFile;
    try {
      file = openModuleFile(this.#host, path);
    } catch (error) {
      if (error instanceof OpenError) return error.message;
      throw error;
    }
    const proof = file.proofOf(wanted, this.places.release);
    if (typeof proof === 'string' && (proof !== 'name' || wanted.buildId === undefined)) return { file, proof };
    file.close();
    return typeof proof === 'string'
      ? `${path} has no build-id that would show of which build it is ("mod -s ${wanted.name} ${path}" takes it nevertheless)`
      : proof.refused;
  }

  /** The file that a stripped one names as having its DWARF: GDB manual, "Separate Debug Files". */
  #behindDebuglink(file: ModuleFile, wanted: WantedModule, unpack = true): FoundModuleFile | undefined {
    if (file.hasDwarf) return undefined;
    const link = readDebuglink(file.elf);
    if (link === undefined) return undefined;
    for (const path of debuglinkPaths(file.path, link, this.places.debugRoots)) {
      const packed = isPacked(this.#host, path);
      if (packed === undefined || (packed && !unpack)) continue;
      const found = this.#accepted(path, { ...wanted, buildId: file.buildId() ?? wanted.buildId });
      if (typeof found === 'string') continue;
      const proved = found.proof === 'build-id' || isLinked(found.file.elf, link);
      if (proved && found.file.hasDwarf) {
        const proof = file.proofOf(wanted, this.places.release);
        file.close();
        return { file: found.file, proof: typeof proof === 'string' ? proof : 'name' };
      }
      found.file.close();
    }
    return undefined;
  }

  #listing(folder: ModuleFolder): Map<string, string[]> {
    const key = `${folder.deep ? 'deep' : 'flat'} ${folder.path}`;
    let listing = this.#listings.get(key);
    if (listing === undefined) {
      listing = this.#list(folder);
      this.#listings.set(key, listing);
    }
    return listing;
  }

  /** Paths by the canonical name of the module. */
  #list({ path: root, deep }: ModuleFolder): Map<string, string[]> {
    const paths = new Map<string, string[]>();
    let left = MOST_FILES;
    const visit = (folder: string, depth: number): void => {
      for (const entry of this.#host.list(folder)) {
        if (--left < 0) return;
        const path = `${folder}/${entry.name}`;
        if (entry.kind === 'folder' && deep && depth < DEEPEST_FOLDER) visit(path, depth + 1);
        if (entry.kind !== 'file' || !moduleSuffix.test(entry.name)) continue;
        const name = canonicalName(entry.name.replace(moduleSuffix, ''));
        const known = paths.get(name);
        if (known === undefined) paths.set(name, [path]);
        else known.push(path);
      }
    };
    visit(root, 0);
    return paths;
  }
}

/** DWARF before proof: an unproved file is only met where the dump has no build-id, and then it is marked. */
function worth({ file, proof }: FoundModuleFile): number {
  return (file.hasDwarf ? 3 : 0) + strength[proof];
}
