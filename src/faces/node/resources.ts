/** Brings what the engine asks for by NeedResource; whoever asked runs its command again. */

import { checkCancelled } from '../../base/cancel.ts';
import { InternalError, messageOf, OpenError, type NeedResource } from '../../base/errors.ts';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { NodeHost } from './host.ts';

export class Resources {
  /** The host to which they are brought. */
  readonly host: NodeHost;
  readonly #unpacked = new Map<string, Uint8Array | OpenError>();
  /** What could not be brought, and that nobody has been told of. */
  #problems: string[] = [];
  readonly #warn: (message: string) => void;

  /** @param warn is told what could not be brought */
  constructor(warn: (message: string) => void) {
    this.host = new NodeHost(this.#unpacked);
    this.#warn = warn;
  }

  async bring({ resource }: NeedResource): Promise<void> {
    if (resource.kind === 'disassembler') return loadDisassembler(resource.architecture);
    if (resource.kind === 'codec') {
      const { startZstd } = await import('./zstd.ts');
      return this.host.useZstd(await startZstd());
    }
    const { path, codec } = resource;
    if (this.#unpacked.has(path)) throw new InternalError(`${path} was unpacked and is asked for again`);
    const { unpackFile } = await import('./unpack.ts');
    try {
      this.#unpacked.set(path, await unpackFile(path, codec));
    } catch (error) {
      if (!(error instanceof OpenError)) throw error;
      this.#unpacked.set(path, error);
      this.#problems.push(error.message);
    }
    checkCancelled();
  }

  /**
   * Warns of what could not be brought, once its lack did not end the command.
   * @param error what ended the command, where something did: what that says is not said twice
   */
  tellProblems(error?: unknown): void {
    const told = error === undefined ? '' : messageOf(error);
    for (const problem of this.#problems) if (!told.includes(problem)) this.#warn(`${problem}; going on without it`);
    this.#problems = [];
  }
}
