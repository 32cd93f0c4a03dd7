/** Brings what the engine asks for by NeedResource; whoever asked runs its command again. */

import { checkCancelled } from '../../base/cancel.ts';
import { InternalError, type NeedResource } from '../../base/errors.ts';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { NodeHost } from './host.ts';

export class Resources {
  /** The host to which they are brought. */
  readonly host: NodeHost;
  readonly #unpacked = new Map<string, Uint8Array>();
  readonly #warn: (message: string) => void;

  /** @param warn is told what could not be brought */
  constructor(warn: (message: string) => void) {
    this.host = new NodeHost(this.#unpacked);
    this.#warn = warn;
  }

  async bring({ resource }: NeedResource): Promise<void> {
    if (resource.kind === 'disassembler') return loadDisassembler(resource.architecture);
    const { path, codec } = resource;
    if (this.#unpacked.has(path)) throw new InternalError(`${path} was unpacked and is asked for again`);
    const { unpackFile } = await import('./unpack.ts');
    const { bytes, problem } = await unpackFile(path, codec);
    if (problem !== undefined) this.#warn(`${path}: cannot be unpacked (${problem}); going on without it`);
    this.#unpacked.set(path, bytes);
    checkCancelled();
  }
}
