/** Brings what the engine asks for by NeedResource; whoever asked runs its command again. */

import { checkCancelled } from '../../base/cancel.ts';
import { assertNever, InternalError, messageOf, NeedResource, OpenError } from '../../base/errors.ts';
import type { Codec, FetchedFile } from '../../base/host.ts';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { unpackedFolder } from '../../target/cache-folders.ts';
import { NodeHost } from './host.ts';

export interface ResourceListener {
  /** Is told what could not be brought. */
  readonly warn: (message: string) => void;
  /** Is called when something begins that tells on standard error how far it is. */
  readonly busy?: () => void;
}

export class Resources {
  /** The host to which they are brought. */
  readonly host: NodeHost;
  readonly #unpacked = new Map<string, Uint8Array | OpenError>();
  readonly #unpackedPaths = new Map<string, string | OpenError>();
  readonly #debugFiles = new Map<string, FetchedFile>();
  /** What could not be brought, and that nobody has been told of. */
  #problems: string[] = [];
  readonly #listener: ResourceListener;
  readonly #servers: readonly string[];

  /** @param servers debuginfod servers that may be asked; empty where the user allowed none */
  constructor(listener: ResourceListener, servers: readonly string[]) {
    this.host = new NodeHost({
      unpacked: this.#unpacked,
      unpackedPaths: this.#unpackedPaths,
      debugFiles: this.#debugFiles,
      fetchesNone:
        servers.length > 0 ? undefined : 'not asked: $DEBUGINFOD_URLS is not set, and --debuginfod was not given',
    });
    this.#listener = listener;
    this.#servers = servers;
  }

  /** What `ask` gives, once everything it asks for was brought. Throws what `ask` throws. */
  async run<T>(ask: () => T): Promise<T> {
    for (;;) {
      try {
        const answer = ask();
        this.tellProblems();
        return answer;
      } catch (error) {
        if (!(error instanceof NeedResource)) {
          this.tellProblems(error);
          throw error;
        }
        await this.bring(error);
      }
    }
  }

  async bring({ resource }: NeedResource): Promise<void> {
    switch (resource.kind) {
      case 'disassembler':
        return loadDisassembler(resource.architecture);
      case 'codec': {
        const { startZstd } = await import('./zstd.ts');
        return this.host.useZstd(await startZstd());
      }
      case 'unpacked-file':
        await (resource.onDisk
          ? this.#unpack(resource.path, this.#unpackedPaths, () => this.#unpackToDisk(resource.path, resource.codec))
          : this.#unpack(resource.path, this.#unpacked, async () =>
              (await import('./unpack.ts')).unpackFile(resource.path, resource.codec),
            ));
        break;
      case 'unpacked-kernel':
        await this.#unpack(resource.path, this.#unpacked, async () =>
          (await import('./unpack-kernel.ts')).unpackKernel(resource.path),
        );
        break;
      case 'debug-file':
        this.#debugFiles.set(resource.buildId, await this.#fetch(resource.buildId));
        break;
      default:
        return assertNever(resource);
    }
    checkCancelled();
  }

  async #unpack<T>(path: string, unpacked: Map<string, T | OpenError>, unpack: () => Promise<T>): Promise<void> {
    if (unpacked.has(path)) throw new InternalError(`${path} was unpacked and is asked for again`);
    try {
      unpacked.set(path, await unpack());
    } catch (error) {
      if (!(error instanceof OpenError)) throw error;
      unpacked.set(path, error);
      this.#problems.push(error.message);
    }
  }

  async #unpackToDisk(path: string, codec: Codec): Promise<string> {
    const folder = unpackedFolder(this.host);
    if (folder === undefined) throw new OpenError(`${path}: there is no folder to unpack it into: $HOME is not set`);
    this.#listener.busy?.();
    return (await import('./unpack-to-disk.ts')).unpackToDisk(path, codec, folder);
  }

  async #fetch(buildId: string): Promise<FetchedFile> {
    const { fetchDebugFile } = await import('./debuginfod/fetch.ts');
    this.#listener.busy?.();
    return fetchDebugFile(buildId, this.#servers, this.host);
  }

  /**
   * Warns of what could not be brought, once its lack did not end the command.
   * @param error what ended the command, where something did: what that says is not said twice
   */
  tellProblems(error?: unknown): void {
    const told = error === undefined ? '' : messageOf(error);
    for (const problem of this.#problems)
      if (!told.includes(problem)) this.#listener.warn(`${problem}; going on without it`);
    this.#problems = [];
  }
}
