/**
 * A dump's file that was cut off, or that has wrong bytes at seeded places, most of them where its headers and tables
 * are: it opens with a word about it, or is refused in words, and every answer comes within a budget of steps.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { VmcoreError } from '../../src/base/errors.ts';
import type { HostFile } from '../../src/base/host.ts';
import { Session } from '../../src/commands/session.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { openTarget } from '../../src/target/target.ts';
import { below, randomFrom, seeds, survives, type Random } from '../builders/mutate.ts';
import { answerOf } from './damaged-dump.ts';
import { Fixture, type FixtureName } from './fixture.ts';

const STEPS = 500_000_000;
/** Where headers, notes, bitmaps and descriptors are. */
const HEAD = 1 << 18;
const questions = ['sys', 'bt', 'bt -a', 'ps', 'log', 'mod', 'kmem init_task', 'rd linux_banner 8', 'vtop init_task'];

/** A host that has damaged files of one name. */
class DamagingHost extends NodeHost {
  readonly #name: string;
  readonly #size: (size: number) => number;
  readonly #spoil: (offset: number, bytes: Uint8Array) => void;

  constructor(name: string, size: (size: number) => number, spoil: (offset: number, bytes: Uint8Array) => void) {
    super();
    this.#name = name;
    this.#size = size;
    this.#spoil = spoil;
  }

  override open(path: string): HostFile | undefined {
    const file = super.open(path);
    if (file === undefined || !path.endsWith(this.#name)) return file;
    const size = this.#size(file.size);
    const spoil = this.#spoil;
    return {
      path,
      size,
      readInto: (offset, target) => {
        const part = target.subarray(0, Math.max(0, Math.min(target.length, size - offset)));
        const count = file.readInto(offset, part);
        spoil(offset, part.subarray(0, count));
        return count;
      },
      close: () => file.close(),
    };
  }
}

function overwriting(random: Random, size: number): (offset: number, bytes: Uint8Array) => void {
  const places = Array.from({ length: 1 + below(random, 12) }, () => ({
    at: below(random, random() < 0.8 ? Math.min(HEAD, size) : size),
    value: random() < 0.5 ? 0 : below(random, 256),
    length: 1 + below(random, 16),
  }));
  return (offset, bytes) => {
    for (const { at, value, length } of places) {
      const from = Math.max(0, at - offset);
      if (from < bytes.length && at + length > offset) bytes.fill(value, from, Math.max(0, at + length - offset));
    }
  };
}

describe.each<FixtureName>(['nfs', 'kdump-6.1'])('the file of %s', (name) => {
  const { folder } = new Fixture(name);
  beforeAll(() => loadDisassembler('x86_64'));

  function ask(host: NodeHost): { readonly warnings: readonly string[]; readonly refused: string | undefined } {
    let warnings: readonly string[] = [];
    let refused: string | undefined;
    try {
      const target = openTarget(host, {
        dumps: [`${folder}/vmcore`],
        vmlinux: `${folder}/vmlinux`,
        debugFolders: [],
        moduleFolders: [],
      });
      ({ warnings } = target);
      const session = new Session(target);
      for (const line of questions) answerOf(session, line);
    } catch (error) {
      if (!(error instanceof VmcoreError) || error.code === 'internal') throw error;
      refused = error.message;
    }
    return { warnings, refused };
  }

  it('whole, opens without a word', () => {
    expect(ask(new NodeHost())).toEqual({ warnings: [], refused: undefined });
  });

  it('cut off, says so', () => {
    for (const seed of seeds(10)) {
      const random = randomFrom(seed);
      const cut = (size: number): number => below(random, seed % 2 === 0 ? HEAD : size);
      const host = new DamagingHost('/vmcore', cut, () => undefined);
      survives(
        seed,
        () => {
          const { warnings, refused } = ask(host);
          expect([...warnings, refused ?? ''].join('\n')).not.toBe('');
        },
        STEPS,
      );
    }
  });

  it('with wrong bytes in it, opens or is refused', () => {
    for (const seed of seeds(14)) {
      const random = randomFrom(seed);
      const size = new NodeHost().open(`${folder}/vmcore`)?.size ?? 0;
      const host = new DamagingHost('/vmcore', (whole) => whole, overwriting(random, size));
      survives(seed, () => void ask(host), STEPS);
    }
  });
});
