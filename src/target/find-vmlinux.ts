/**
 * The search for a dump's vmlinux when the user names none: by build-id where the dump tells it, else every candidate
 * by name, of which the one that is proved to fit is taken. What was looked at is remembered for the user.
 *
 * Cheap places come first: files as they lie, then packed ones, which are unpacked into the cache, then debuginfod.
 * A stripped file does for want of a better one.
 */

import { FormatError, OpenError } from '../base/errors.ts';
import type { Codec, Host } from '../base/host.ts';
import { BytesSource, FileSource, readUpTo } from '../bytes/byte-source.ts';
import { BZIMAGE_HEAD, looksLikeBzImage } from '../formats/bzimage.ts';
import { buildIdOfElf } from '../formats/elf/build-id.ts';
import { ElfFile } from '../formats/elf/elf-file.ts';
import { codecOf, LONGEST_MAGIC, packedSuffixes } from './compression.ts';
import { debuglinkPaths, isLinked, readDebuglink } from './debuglink.ts';
import { hasDwarf } from './vmlinux.ts';
import { debugRoots, vmlinuxPlaces, type WantedKernel } from './vmlinux-places.ts';

export interface Candidate {
  readonly elf: ElfFile;
  readonly buildId: string | undefined;
}

/** A place, or several in the shell's notation, and why nothing was taken from there. */
export interface LookedAt {
  readonly place: string;
  readonly problem: string;
  /** Of debuginfod: whether its servers were asked. */
  readonly asked?: boolean;
}

export interface VmlinuxSearch {
  /** In order of preference; one where the dump's build-id says which, empty where nothing fits. */
  readonly candidates: readonly Candidate[];
  readonly looked: readonly LookedAt[];
}

/**
 * Opens a file as ELF, packed or not; of a kernel image (vmlinuz) the vmlinux in it.
 * @throws OpenError with what is wrong with it
 * @throws NeedResource where it has to be unpacked first
 */
export function openElf(host: Host, path: string): ElfFile {
  const source = openSource(host, path);
  const codec = codecOf(readUpTo(source, 0, LONGEST_MAGIC));
  if (codec === undefined) return elfIn(host, source);
  return elfIn(host, openSource(host, host.unpackedPath(path, codec)));
}

function openSource(host: Host, path: string): FileSource {
  const file = host.open(path);
  if (file === undefined) throw new OpenError(`${path}: ${host.whyNot(path)}`);
  if (file.size === 0) throw new OpenError(`${path}: is empty`);
  return new FileSource(file);
}

function elfIn(host: Host, source: FileSource): ElfFile {
  const isImage = looksLikeBzImage(readUpTo(source, 0, BZIMAGE_HEAD));
  try {
    return new ElfFile(isImage ? new BytesSource(source.name, host.unpackKernel(source.name)) : source);
  } catch (error) {
    throw error instanceof FormatError ? new OpenError(error.message) : error;
  }
}

/** @throws NeedResource where a file has to be unpacked or fetched first */
export function findVmlinux(wanted: WantedKernel, host: Host, debugFolders: readonly string[]): VmlinuxSearch {
  return new Search(wanted, host, debugFolders).run();
}

interface PackedFile {
  readonly path: string;
  readonly codec: Codec;
}

class Search {
  readonly #wanted: WantedKernel;
  readonly #host: Host;
  readonly #debugFolders: readonly string[];
  readonly #candidates: Candidate[] = [];
  readonly #looked: LookedAt[] = [];
  readonly #packed: PackedFile[] = [];
  /** By path, whether there is anything. */
  readonly #seen = new Map<string, boolean>();

  constructor(wanted: WantedKernel, host: Host, debugFolders: readonly string[]) {
    this.#wanted = wanted;
    this.#host = host;
    this.#debugFolders = debugFolders;
  }

  run(): VmlinuxSearch {
    this.#lookAtPlaces();
    for (const packed of this.#packed) if (!this.#done) this.#unpack(packed);
    if (!this.#done) this.#askServers();
    // Where the build is known, one file suffices: with DWARF if there is any.
    const [first] = this.#candidates.toSorted((a, b) => Number(hasDwarf(b.elf)) - Number(hasDwarf(a.elf)));
    const candidates = this.#wanted.buildId === undefined || first === undefined ? this.#candidates : [first];
    return { candidates, looked: this.#looked };
  }

  /** Where the build is not known, all that lie there are tried; none is unpacked beside them. */
  get #done(): boolean {
    return this.#wanted.buildId === undefined
      ? this.#candidates.length > 0
      : this.#candidates.some(({ elf }) => hasDwarf(elf));
  }

  #lookAtPlaces(): void {
    for (const { folder, names } of vmlinuxPlaces(this.#wanted, this.#host, this.#debugFolders)) {
      const absent: string[] = [];
      for (const name of names) {
        const spellings = [name, ...packedSuffixes.map((suffix) => `${name}${suffix}`)];
        const found = spellings.filter((spelling) => this.#lookAt(`${folder}/${spelling}`));
        if (found.length === 0) absent.push(name);
        if (this.#wanted.buildId !== undefined && this.#done) return;
      }
      if (absent.length > 0) this.#looked.push({ place: together(folder, absent), problem: 'not there' });
    }
  }

  /** Whether there is anything. */
  #lookAt(path: string): boolean {
    const known = this.#seen.get(path);
    if (known !== undefined) return known;
    const found = this.#lookAtFirst(path);
    this.#seen.set(path, found);
    return found;
  }

  #lookAtFirst(path: string): boolean {
    const file = this.#host.open(path);
    if (file === undefined) {
      const why = this.#host.whyNot(path);
      if (why === 'no such file') return false;
      this.#refuse(path, why);
      return true;
    }
    const codec = codecOf(readUpTo(new FileSource(file), 0, LONGEST_MAGIC));
    file.close();
    if (codec === undefined) this.#take(path);
    else this.#packed.push({ path, codec });
    return true;
  }

  #unpack({ path, codec }: PackedFile): void {
    try {
      this.#take(this.#host.unpackedPath(path, codec), path);
    } catch (error) {
      if (!(error instanceof OpenError)) throw error;
      this.#refuse(path, error.message);
    }
  }

  #askServers(): void {
    const { buildId } = this.#wanted;
    if (buildId === undefined) return;
    const answer = this.#host.fetchDebugFile(buildId);
    if ('path' in answer) this.#take(answer.path);
    else this.#looked.push({ place: 'debuginfod', ...answer });
  }

  /** @param place what the user is told of it */
  #take(path: string, place = path): void {
    const found = this.#open(path);
    if (typeof found === 'string') {
      this.#refuse(place, found);
      return;
    }
    this.#candidates.push(found);
    if (hasDwarf(found.elf)) return;
    this.#refuse(place, 'has no debug information');
    this.#followDebuglink(found);
  }

  /** What is wrong with the file otherwise. */
  #open(path: string): Candidate | string {
    const { buildId } = this.#wanted;
    const file = this.#host.open(path);
    if (file === undefined) return this.#host.whyNot(path);
    try {
      if (file.size === 0) return 'is empty';
      const elf = new ElfFile(new FileSource(file));
      const own = buildIdOfElf(elf);
      if (buildId === undefined || own === buildId) return { elf, buildId: own };
      file.close();
      return own === undefined ? 'has no build-id' : `is of another build: ${own}`;
    } catch (error) {
      file.close();
      if (error instanceof FormatError) return error.message;
      throw error;
    }
  }

  /** The file that a stripped vmlinux names as having its debug information. */
  #followDebuglink({ elf, buildId }: Candidate): void {
    const link = readDebuglink(elf);
    if (link === undefined) return;
    for (const path of debuglinkPaths(elf.source.name, link, debugRoots(this.#debugFolders))) {
      if (this.#host.open(path) === undefined) continue;
      const found = this.#open(path);
      if (typeof found === 'string') this.#refuse(path, found);
      else if (found.buildId === undefined ? isLinked(found.elf, link) : found.buildId === buildId) {
        this.#candidates.unshift(found);
        return;
      } else this.#refuse(path, `is not what the debug link of ${elf.source.name} means`);
    }
  }

  #refuse(path: string, problem: string): void {
    this.#looked.push({ place: path, problem: problem.replace(`${path}: `, '') });
  }
}

/** As a shell writes it: /boot/{vmlinux,vmlinux-6.1}. */
function together(folder: string, names: readonly string[]): string {
  return `${folder}/${names.length === 1 ? (names[0] ?? '') : `{${names.join(',')}}`}`;
}
