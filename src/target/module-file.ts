/**
 * One file of a kernel module: opened whatever it is packed in, and compared with the module in the dump. A build-id
 * proves that it is of the same build; where the dump has none, the source checksum (MODULE_INFO srcversion) is weaker
 * proof; where there is neither, name and kernel release are all that is known.
 */

import { attempt, FormatError, OpenError } from '../base/errors.ts';
import type { Codec, Host, HostFile } from '../base/host.ts';
import { once } from '../base/search.ts';
import { BytesSource, FileSource, readUpTo, type ByteSource } from '../bytes/byte-source.ts';
import { decodeText } from '../bytes/read.ts';
import { buildIdOfElf } from '../formats/elf/build-id.ts';
import { ElfFile } from '../formats/elf/elf-file.ts';
import { codecOf, LONGEST_MAGIC } from './compression.ts';
import { hasDwarf } from './vmlinux.ts';

/** What the dump tells of a module. */
export interface WantedModule {
  readonly name: string;
  readonly buildId: string | undefined;
  /** `struct module.srcversion`. */
  readonly srcversion: string | undefined;
}

/** What shows that a file is of the module in the dump, the strongest first. */
export type Proof = 'build-id' | 'srcversion' | 'name';

export class ModuleFile {
  readonly path: string;
  readonly elf: ElfFile;
  readonly buildId: () => string | undefined;
  /** KEY=VALUE of .modinfo. */
  readonly info: () => ReadonlyMap<string, string>;

  /** For a file that turns out not to be wanted. */
  readonly close: () => void;

  constructor(path: string, elf: ElfFile, close: () => void) {
    this.path = path;
    this.close = close;
    this.elf = elf;
    this.buildId = once(() => buildIdOfElf(elf));
    this.info = once(() => attempt(() => readModinfo(elf)) ?? new Map<string, string>());
  }

  get hasDwarf(): boolean {
    return hasDwarf(this.elf);
  }

  /**
   * How it is known to be of the module; otherwise why it is not, for the user.
   * @param release of the kernel: "6.1.0-9-amd64"
   */
  proofOf(wanted: WantedModule, release: string | undefined): Proof | { readonly refused: string } {
    const buildId = this.buildId();
    if (wanted.buildId !== undefined && buildId !== undefined) {
      return buildId === wanted.buildId ? 'build-id' : this.#refusal(wanted.name, 'build-id', buildId, wanted.buildId);
    }
    const srcversion = this.info().get('srcversion');
    if (wanted.srcversion !== undefined && srcversion !== undefined) {
      return srcversion === wanted.srcversion
        ? 'srcversion'
        : this.#refusal(wanted.name, 'srcversion', srcversion, wanted.srcversion);
    }
    const name = this.info().get('name');
    if (name !== undefined && canonicalName(name) !== canonicalName(wanted.name))
      return { refused: `${this.path} is the module ${name}, not ${wanted.name}` };
    const ownRelease = this.info().get('vermagic')?.split(' ')[0];
    if (release !== undefined && ownRelease !== undefined && ownRelease !== release)
      return this.#refusal(wanted.name, 'kernel release', ownRelease, release);
    return 'name';
  }

  #refusal(name: string, what: string, own: string, wanted: string): { refused: string } {
    const width = `the dump's ${what}: `.length;
    return {
      refused: [
        `${this.path} is of another build than the module ${name} in the dump:`,
        `  ${`its ${what}: `.padEnd(width)}${own}`,
        `  the dump's ${what}: ${wanted}`,
      ].join('\n'),
    };
  }
}

/** Module names have underscores where their files may have hyphens. */
export function canonicalName(name: string): string {
  return name.replaceAll('-', '_');
}

/** Whether a file must be unpacked before anything is known of it. Undefined where there is none. */
export function isPacked(host: Host, path: string): boolean | undefined {
  const file = host.open(path);
  if (file === undefined) return undefined;
  try {
    return codecIn(file) !== undefined;
  } finally {
    file.close();
  }
}

/**
 * @throws OpenError where there is no file, or it is no ELF file
 * @throws NeedResource where it must be unpacked first
 */
export function openModuleFile(host: Host, path: string): ModuleFile {
  const file = host.open(path);
  if (file === undefined) throw new OpenError(`${path}: ${host.whyNot(path)}`);
  try {
    const codec = codecIn(file);
    if (codec === undefined) return moduleFileOf(path, new FileSource(file), () => file.close());
    const bytes = host.unpackFile(path, codec);
    file.close();
    return moduleFileOf(path, new BytesSource(path, bytes), () => undefined);
  } catch (error) {
    file.close();
    throw error instanceof FormatError ? new OpenError(error.message) : error;
  }
}

function codecIn(file: HostFile): Codec | undefined {
  return codecOf(readUpTo(new FileSource(file), 0, LONGEST_MAGIC));
}

function moduleFileOf(path: string, source: ByteSource, close: () => void): ModuleFile {
  if (source.size === 0) throw new OpenError(`${path}: is empty`);
  const elf = new ElfFile(source);
  if (elf.sections().length === 0 || elf.sectionsMissing())
    throw new OpenError(`${path}: the file is cut off: its section headers are not in it`);
  return new ModuleFile(path, elf, close);
}

function readModinfo(elf: ElfFile): Map<string, string> {
  const section = elf.section('.modinfo');
  const text = section === undefined ? '' : decodeText(elf.bytesOf(section));
  return new Map(
    text.split('\0').flatMap((entry): [string, string][] => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [] : [[entry.slice(0, equals), entry.slice(equals + 1)]];
    }),
  );
}
