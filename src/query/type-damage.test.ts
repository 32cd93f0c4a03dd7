/** Seeded damage to type data: definitions, values and searches of whatever comes out of it end, and soon. */

import { describe, it } from 'vitest';
import { addTypes } from '../../test/builders/objects.ts';
import { BtfBuilder } from '../../test/builders/btf.ts';
import { KernelBuilder } from '../../test/builders/kernel.ts';
import { mutationRun, randomFrom, seeds, survives } from '../../test/builders/mutate.ts';
import { addVirt, type VirtAddr } from '../base/addr.ts';
import { embedsAt, memberAt } from '../debuginfo/types/member-at.ts';
import { findMember, memberNames } from '../debuginfo/types/members.ts';
import { Btf } from '../debuginfo/btf/btf.ts';
import { TypeCatalog } from '../debuginfo/types/catalog.ts';
import type { CompoundType } from '../debuginfo/types/type.ts';
import { Kernel } from '../kernel/kernel.ts';
import { renderText } from '../render/text/index.ts';
import { plausibility } from './plausibility.ts';
import { structureAt } from './structure.ts';
import { definitionOf, partialDefinition } from './type-definition.ts';
import { typesLike } from './type-search.ts';

function typeData(): Uint8Array {
  const types = new BtfBuilder();
  addTypes(types);
  return types.build();
}

/** Memory with something in it, some pages of which are missing. */
function memory(): { target: ReturnType<KernelBuilder['target']>; at: VirtAddr } {
  const builder = new KernelBuilder();
  const page = builder.allocate(8192);
  for (let offset = 0; offset < 8192; offset += 8) builder.u64(addVirt(page, offset), offset % 64 === 0 ? page : BigInt(offset) * 0x9e37_79b9n); // prettier-ignore
  return { target: builder.target(), at: addVirt(page, 4096) };
}

/** A value that is shown has 100,000 parts at the most, and there are nine of each type. */
const STEPS = 500_000_000;

const { target, at } = memory();

function ask(kernel: Kernel, type: CompoundType): void {
  const shown = { offsets: true, radix: 16 } as const;
  for (const _ of renderText(definitionOf(type, undefined, shown)));
  const names = memberNames(type).slice(0, 4);
  for (const name of names) {
    findMember(type, `${name}[3].${names[0] ?? ''}`);
    for (const _ of renderText(partialDefinition(type, [name], shown)));
  }
  const options = { paths: [], followPointers: false, radix: 10 } as const;
  for (const _ of renderText(structureAt(kernel, kernel.memory, type, at, options)));
  const some = { ...options, paths: names, followPointers: true };
  for (const _ of renderText(structureAt(kernel, kernel.memory, type, at, some)));
  for (const offset of [0, 5, 60, 2 ** 31]) {
    memberAt(type, offset);
    embedsAt(type, offset, type);
  }
  plausibility(kernel, type, at, 256);
}

function use(bytes: Uint8Array): void {
  const btf = new Btf(bytes, 'BTF');
  const kernel = new Kernel({ ...target, types: new TypeCatalog([() => btf]) });
  Object.defineProperty(kernel, 'userTypes', { value: kernel.types });
  let count = 0;
  for (const type of btf.compounds()) if (++count <= 40) survives(0, () => ask(kernel, type), STEPS);
  typesLike(kernel, { low: 0, high: 2 ** 32 }, 'int');
  for (const name of ['flags', 'state']) btf.enumeration(name);
  btf.enumerator('GONE');
}

describe('damaged types', () => {
  it('end in an answer or an error for the user', () => {
    mutationRun(typeData(), 150, use, STEPS);
  });

  it('one field after another', () => {
    const original = typeData();
    for (const seed of seeds(150)) {
      const random = randomFrom(seed * 7919);
      const bytes = original.slice();
      // Past the header: what is damaged is what types say, not whether they are there.
      const view = new DataView(bytes.buffer, 24, typesLength(bytes));
      for (let changes = 0; changes < 3; changes++) {
        const word = Math.floor((random() * view.byteLength) / 4) * 4;
        const value = [0, 1, 2, 5, 9, 17, 33, 0x7fff_ffff, 0xffff_ffff, 0x0100_0000][Math.floor(random() * 10)] ?? 0;
        view.setUint32(word, value, true);
      }
      survives(seed, () => use(bytes), STEPS);
    }
  });
});

/** The length of the type section. */
function typesLength(bytes: Uint8Array): number {
  return new DataView(bytes.buffer).getUint32(12, true) & ~3;
}
