import { describe, expect, it } from 'vitest';
import { SlabBuilder } from '../../test/builders/slab.ts';
import { slabObjectAt } from '../kernel/slab.ts';
import { ObjectTypes, type InferredType } from './object-type.ts';

/** Where a struct, or a union in it, has a completion. */
interface Place {
  readonly name: string;
  readonly size: number;
  readonly at: number;
  readonly inUnion?: boolean;
  readonly array?: boolean;
}

const KTHREAD: Place = { name: 'kthread', size: 112, at: 64 };
const COMPLETION_SIZE = 32;

/** What an object is taken for that a `struct holder` points `offset` bytes into, by a pointer to a completion. */
function inferred(places: readonly Place[], offset = 64, cacheName = 'kmalloc-128'): InferredType | undefined {
  const builder = new SlabBuilder({ size: 128, objectSize: 128 });
  const { kernel } = builder;
  const { types } = kernel;
  const u32 = types.int('unsigned int', 4);
  const completion = types.struct('completion', COMPLETION_SIZE, [{ name: 'done', type: u32, offset: 0 }]);
  types.struct('holder', 128, [{ name: 'vfork_done', type: types.pointer(completion), offset: 0 }]);
  for (const { name, size, at, inUnion, array } of places) {
    const members = [{ name: 'exited', type: completion, offset: 0 }];
    const both = [{ name: 'number', type: u32, offset: 0 }, ...members];
    const type = inUnion === true ? types.compound('union', '', COMPLETION_SIZE, both) : completion;
    const tail = array === true ? [{ name: 'rest', type: types.array(u32, 0), offset: size }] : [];
    types.struct(name, size, [{ name: inUnion === true ? '' : 'exited', type, offset: at }, ...tail]);
  }
  builder.addCache('kmalloc-96', 96);
  const holder = builder.slab([], { cache: builder.addCache('holder') });
  const slab = builder.slab([], { cache: builder.addCache(cacheName) });
  kernel.u64(holder.object(0), slab.object(1) + BigInt(offset));
  const built = kernel.build();
  const objects = new ObjectTypes(built);
  objects.learn([holder.object(0)]);
  const object = slabObjectAt(built, slab.object(1));
  return object && objects.typeOf(object);
}

describe('an object of kmalloc-128 that a pointer leads into', () => {
  it('is the one struct of more than 96 and up to 128 bytes that has what it points at there', () => {
    const found = inferred([KTHREAD, { name: 'small', size: 96, at: 64 }, { name: 'large', size: 136, at: 64 }]);
    expect(found?.type.name).toBe('kthread');
    expect(found?.how).toMatch(
      /^holder.vfork_done of \w+ points at a completion 64 bytes into it, and of the structs of 97 to 128 bytes only this one has one there \(\.exited\)$/,
    );
  });

  it.each<[string, Place]>([
    ['of the full size', { name: 'cpuhp_cpu_state', size: 128, at: 64 }],
    ['smaller, with an array behind it', { name: 'varying', size: 96, at: 64, array: true }],
    ['that has it in a union', { name: 'either', size: 104, at: 64, inUnion: true }],
  ])('is not guessed where another struct fits: %s', (_, other) => {
    expect(inferred([KTHREAD, other])).toBeUndefined();
  });

  it('is what the pointer says where it leads to the start and nothing else is known', () => {
    expect(inferred([], 0)).toBeUndefined();
    expect(inferred([{ name: 'first', size: 120, at: 0 }], 0)?.type.name).toBe('first');
  });
});

describe('an object of a cache with a name of its own', () => {
  it('may be smaller by the rounding to a cache line', () => {
    expect(inferred([KTHREAD], 64, 'unheard_of')?.how).toContain('structs of 65 to 128 bytes');
    expect(inferred([KTHREAD, { name: 'other', size: 128, at: 64 }], 64, 'unheard_of')).toBeUndefined();
  });
});
