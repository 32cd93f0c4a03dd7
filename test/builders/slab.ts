/**
 * A synthetic kernel with a SLUB cache: slabs in a direct map, their struct pages in a vmemmap, freelists as the
 * kernel of that time stores them.
 */

import { virtAddr, type VirtAddr } from '../../src/base/addr.ts';
import { KernelBuilder } from './kernel.ts';

const DIRECT = 0xffff_9000_0000_0000n;
const VMEMMAP = 0xffff_ea00_0000_0000n;
const FIRST_FRAME = 0x4_0000;
const PAGE_STRUCT = 64;
const POSSIBLE_CPUS = 2;
const PER_CPU_STEP = 0x1000n;
const RANDOM = 0x1234_5678_9abc_def0n;
/** Offsets in struct kmem_cache. */
const CACHE = {
  perCpu: 0,
  size: 8,
  objectSize: 12,
  offset: 16,
  oo: 20,
  redLeftPad: 24,
  refcount: 28,
  name: 32,
  list: 40,
  kobj: 56,
  random: 64,
  node: 72,
};

/** Offsets in struct kernfs_node, and of kobj.sd in struct kset. */
export const NODE = { name: 0, rb: 8, target: 32, priv: 56, flags: 64, size: 72 };
const KSET_DIRECTORY = 24;
const KERNFS_LINK = 4;
const KFENCE_METADATA = 32;

export interface SlabOptions {
  /** How a free object's pointer is stored: as it is, XORed, or XORed with the address's bytes reversed. */
  readonly stored?: 'plain' | 'xored' | 'swapped';
  readonly size?: number;
  readonly objectSize?: number;
  /** kmem_cache.red_left_pad, kmem_cache.offset. */
  readonly padding?: number;
  readonly freePointer?: number;
  /** A slab's pages: 2^order. */
  readonly order?: number;
  /** Sheaves instead of CPUs' slabs. */
  readonly sheaves?: boolean;
  /** Slabs are marked by a page type, or by a page flag; a tail page has a mask, or the head's address. */
  readonly mark?: 'type' | 'flag';
  readonly tails?: 'mask' | 'pointer';
  /** What describes a slab: struct slab, or, before v5.17, struct page. */
  readonly described?: 'slab' | 'page';
  /** SLUB, or SLAB, whose objects begin at `s_mem`. */
  readonly allocator?: 'slub' | 'slab';
}

export class SlabBuilder {
  readonly kernel = new KernelBuilder();
  readonly cache: VirtAddr;
  readonly options: Required<SlabOptions>;
  readonly #perCpu: VirtAddr;
  readonly #head: VirtAddr;
  #firstLink: bigint;
  #frame = FIRST_FRAME;

  constructor(options: SlabOptions = {}) {
    this.options = {
      stored: 'plain',
      size: 128,
      objectSize: 120,
      padding: 0,
      freePointer: 64,
      order: 0,
      sheaves: false,
      mark: 'type',
      tails: 'pointer',
      described: 'slab',
      allocator: 'slub',
      ...options,
    };
    const { kernel } = this;
    this.#types();
    for (const [name, value] of [
      ['page_offset_base', DIRECT],
      ['vmemmap_base', VMEMMAP],
      ['max_pfn', BigInt(FIRST_FRAME + 0x1000)],
    ] as const) {
      kernel.u64(kernel.variable(name, 8), value);
    }
    kernel.u64(kernel.variable('__cpu_possible_mask', 8), (1n << BigInt(POSSIBLE_CPUS)) - 1n);
    kernel.u32(kernel.variable('nr_cpu_ids', 8), POSSIBLE_CPUS);
    const offsets = kernel.variable('__per_cpu_offset', 8 * POSSIBLE_CPUS);
    for (let cpu = 0; cpu < POSSIBLE_CPUS; cpu++) kernel.u64(offsets + BigInt(cpu * 8), BigInt(cpu) * PER_CPU_STEP);
    this.#perCpu = kernel.allocate(Number(PER_CPU_STEP) * POSSIBLE_CPUS);
    this.#head = kernel.variable('slab_caches', 16);
    kernel.u64(this.#head, this.#head).u64(this.#head + 8n, this.#head);
    this.#firstLink = this.#head;
    this.cache = this.addCache('things');
  }

  /** A cache of this builder's shape at the head of the kernel's list. */
  addCache(name: string, objectSize = this.options.objectSize): VirtAddr {
    const { kernel, options } = this;
    const at = kernel.allocate(96);
    const text = kernel.allocate(64);
    const next = this.#firstLink;
    const objects = Math.floor((4096 << options.order) / options.size);
    kernel.text(text, name);
    kernel.u64(at + BigInt(CACHE.perCpu), this.#perCpu);
    kernel.u32(at + BigInt(CACHE.size), options.size).u32(at + BigInt(CACHE.objectSize), objectSize);
    kernel
      .u32(at + BigInt(CACHE.offset), options.freePointer)
      .u32(at + BigInt(CACHE.oo), (options.order << 16) | objects);
    kernel.u32(at + BigInt(CACHE.redLeftPad), options.padding).u32(at + BigInt(CACHE.refcount), 1);
    kernel.u64(at + BigInt(CACHE.name), text).u64(at + BigInt(CACHE.random), RANDOM);
    const link = at + BigInt(CACHE.list);
    kernel
      .u64(link, next)
      .u64(link + 8n, this.#head)
      .u64(next + 8n, link)
      .u64(this.#head, link);
    this.#firstLink = link;
    return at;
  }

  /** A slab of the cache whose freelist is these objects, in order. */
  slab(free: readonly number[], more: { inUse?: number; cache?: VirtAddr } = {}): BuiltSlab {
    const { kernel, options } = this;
    const { order, size } = options;
    const frame = this.#frame;
    this.#frame += 1 << order;
    for (let page = 0; page < 1 << order; page++) this.#mapFrame(frame + page);
    const objects = Math.floor((4096 << order) / size);
    const memory = virtAddr(DIRECT + BigInt(frame) * 4096n);
    const slab = new BuiltSlab(this, virtAddr(VMEMMAP + BigInt(frame * PAGE_STRUCT)), memory);
    const inUse = more.inUse ?? objects - free.length;
    kernel.u64(slab.address, options.mark === 'flag' ? 1n << 9n : 0n);
    kernel.u64(slab.address + 24n, more.cache ?? this.cache).u64(slab.address + 32n, slab.chain(free));
    kernel
      .u32(slab.address + 40n, inUse | (objects << 16))
      .u32(slab.address + 48n, options.mark === 'type' ? 0xf500_0000 : 0xffff_ffff);
    for (let page = 1; page < 1 << order; page++) {
      const mask = -BigInt(PAGE_STRUCT << order);
      const tail = slab.address + BigInt(page * PAGE_STRUCT);
      kernel.u64(tail + 8n, (options.tails === 'mask' ? mask : slab.address) + 1n).u32(tail + 48n, 0xffff_ffff);
    }
    return slab;
  }

  /** /sys/kernel/slab: a link of each name to a cache, as one chain of tree nodes. Returns where the last one is. */
  links(names: readonly (readonly [string, VirtAddr])[]): VirtAddr {
    const { kernel } = this;
    const kset = kernel.allocate(88);
    const folder = kernel.allocate(NODE.size);
    kernel.u64(kernel.variable('slab_kset', 8), kset).u64(kset + BigInt(KSET_DIRECTORY), folder);
    let slot: bigint = folder + BigInt(NODE.target) + 8n;
    let last = folder;
    for (const [name, cache] of names) {
      const target = kernel.allocate(NODE.size);
      kernel.u64(target + BigInt(NODE.priv), cache + BigInt(CACHE.kobj));
      const text = kernel.allocate(64);
      last = kernel.allocate(NODE.size);
      kernel.text(text, name).u64(last + BigInt(NODE.name), text);
      kernel.u64(last + BigInt(NODE.target), target).u32(last + BigInt(NODE.flags), KERNFS_LINK);
      kernel.u64(slot, last + BigInt(NODE.rb));
      slot = last + BigInt(NODE.rb) + 8n;
    }
    return last;
  }

  /** The slab a CPU allocates from, and its free objects. */
  activate(cpu: number, slab: BuiltSlab, free: readonly number[]): this {
    const at = this.#perCpu + BigInt(cpu) * PER_CPU_STEP;
    this.kernel.u64(at, slab.chain(free)).u64(at + 8n, slab.address);
    return this;
  }

  /** Objects in a sheaf of a CPU: `main`, `spare` or `rcu_free`. */
  sheaf(cpu: number, which: 'main' | 'spare' | 'rcu_free', objects: readonly VirtAddr[], size = objects.length): this {
    const sheaf = this.kernel.allocate(32 + 8 * objects.length);
    this.kernel.u32(sheaf + 24n, size);
    for (const [index, object] of objects.entries()) this.kernel.u64(sheaf + BigInt(32 + index * 8), object);
    const slot = { main: 0n, spare: 8n, rcu_free: 16n }[which];
    this.kernel.u64(this.#perCpu + BigInt(cpu) * PER_CPU_STEP + slot, sheaf);
    return this;
  }

  /** Makes a slab one of SLAB's: its objects begin at `from`, these are free, and those a CPU's array cache has. */
  indexed(slab: BuiltSlab, from: number, free: readonly number[], cached: readonly number[] = [], cpu = 0): this {
    const { kernel, options } = this;
    const count = Math.floor((4096 - from) / options.size);
    const list = kernel.allocate(count);
    kernel.write(
      list,
      Uint8Array.from({ length: count }, (_, index) => free[index - count + free.length] ?? 0xff),
    );
    kernel.u64(slab.address + 16n, slab.memory + BigInt(from)).u64(slab.address + 32n, list);
    kernel.u32(slab.address + 40n, count - free.length).u32(this.cache + BigInt(CACHE.oo), count);
    const array = this.#perCpu + BigInt(cpu) * PER_CPU_STEP;
    kernel.u32(array, cached.length).u32(array + 4n, 64);
    for (const [entry, index] of cached.entries())
      kernel.u64(array + BigInt(16 + entry * 8), slab.memory + BigInt(from + index * options.size));
    return this;
  }

  /** Makes a page of KFENCE's pool of a slab's, with an object somewhere in it. The metadata is an array, or behind a pointer. */
  guard(slab: BuiltSlab, offset: number, state: number, array: 'array' | 'pointer'): VirtAddr {
    const { kernel } = this;
    const object = virtAddr(slab.memory + BigInt(offset));
    const metadata = kernel.allocate(2 * KFENCE_METADATA);
    // The object of index 1: behind the two first pages, and two of object 0.
    kernel.u64(kernel.variable('__kfence_pool', 8), slab.memory - 4n * 4096n);
    if (array === 'array') kernel.symbol('kfence_metadata', metadata);
    else kernel.u64(kernel.variable('kfence_metadata', 8), metadata);
    const at = metadata + BigInt(KFENCE_METADATA);
    kernel
      .u32(at, state)
      .u64(at + 8n, object)
      .u64(at + 16n, 100n)
      .u64(at + 24n, this.cache);
    return object;
  }

  /** What is stored in a free object for the next one's address. */
  encode(at: bigint, pointer: bigint): bigint {
    if (this.options.stored === 'plain') return pointer;
    return pointer ^ RANDOM ^ (this.options.stored === 'xored' ? at : reversed(at));
  }

  #kernfsTypes(u64: number, u32: number, pointer: number): void {
    const { types } = this.kernel;
    const text = types.pointer(types.int('char', 1, { char: true }));
    const node = types.pointer(types.nextId + 3);
    const folder = types.struct('kernfs_elem_dir', 16, [
      { name: 'subdirs', type: u64, offset: 0 },
      { name: 'children', type: pointer, offset: 8 },
    ]);
    const symlink = types.struct('kernfs_elem_symlink', 8, [{ name: 'target_kn', type: node, offset: 0 }]);
    types.struct('kernfs_node', NODE.size, [
      { name: 'name', type: text, offset: NODE.name },
      { name: 'rb', type: u64, offset: NODE.rb },
      { name: 'dir', type: folder, offset: NODE.target },
      { name: 'symlink', type: symlink, offset: NODE.target },
      { name: 'priv', type: pointer, offset: NODE.priv },
      { name: 'flags', type: u32, offset: NODE.flags },
    ]);
    const kobject = types.struct('kobject', 64, [{ name: 'sd', type: node, offset: 0 }]);
    types.struct('kset', 88, [{ name: 'kobj', type: kobject, offset: KSET_DIRECTORY }]);
  }

  #mapFrame(frame: number): void {
    this.kernel.mapTo(DIRECT + BigInt(frame) * 4096n, frame * 4096);
    this.kernel.write(VMEMMAP + BigInt(frame * PAGE_STRUCT), new Uint8Array(PAGE_STRUCT));
  }

  #types(): void {
    const { types } = this.kernel;
    const { sheaves, stored, mark, tails } = this.options;
    const u64 = types.int('unsigned long', 8);
    const u32 = types.int('unsigned int', 4);
    const pointer = types.pointer(0);
    const list = types.struct('list_head', 16, [
      { name: 'next', type: pointer, offset: 0 },
      { name: 'prev', type: pointer, offset: 8 },
    ]);
    const compound = tails === 'mask' ? 'compound_info' : 'compound_head';
    const { described, allocator } = this.options;
    const page = [
      { name: 'flags', type: u64, offset: 0 },
      { name: compound, type: u64, offset: 8 },
      { name: 'page_type', type: u32, offset: 48 },
    ];
    const slab = [
      { name: 'next', type: pointer, offset: 8 },
      { name: 'slab_cache', type: pointer, offset: 24 },
      { name: 'freelist', type: pointer, offset: 32 },
      ...(allocator === 'slab'
        ? [
            { name: 's_mem', type: pointer, offset: 16 },
            { name: 'active', type: u32, offset: 40 },
          ]
        : [
            { name: 'inuse', type: u32, offset: 40, bitOffset: 0, bitSize: 16 },
            { name: 'objects', type: u32, offset: 40, bitOffset: 16, bitSize: 15 },
          ]),
    ];
    types.compound('struct', 'page', PAGE_STRUCT, described === 'slab' ? page : [...page, ...slab], true);
    if (described === 'slab') types.compound('struct', 'slab', PAGE_STRUCT, slab, true);
    const order = types.struct('kmem_cache_order_objects', 4, [{ name: 'x', type: u32, offset: 0 }]);
    const nodes = types.array(pointer, 1);
    types.struct('kmem_cache', 96, [
      {
        name: allocator === 'slab' ? 'cpu_cache' : sheaves ? 'cpu_sheaves' : 'cpu_slab',
        type: pointer,
        offset: CACHE.perCpu,
      },
      { name: 'size', type: u32, offset: CACHE.size },
      { name: 'object_size', type: u32, offset: CACHE.objectSize },
      ...(allocator === 'slab'
        ? [
            { name: 'num', type: u32, offset: CACHE.oo },
            { name: 'obj_offset', type: u32, offset: CACHE.redLeftPad },
          ]
        : [
            { name: 'offset', type: u32, offset: CACHE.offset },
            { name: 'oo', type: order, offset: CACHE.oo },
            { name: 'red_left_pad', type: u32, offset: CACHE.redLeftPad },
          ]),
      { name: 'refcount', type: u32, offset: CACHE.refcount },
      { name: 'name', type: types.pointer(types.int('char', 1, { char: true })), offset: CACHE.name },
      { name: 'list', type: list, offset: CACHE.list },
      { name: 'kobj', type: u64, offset: CACHE.kobj },
      ...(stored === 'plain' ? [] : [{ name: 'random', type: u64, offset: CACHE.random }]),
      { name: 'node', type: nodes, offset: CACHE.node },
    ]);
    if (sheaves) {
      types.struct('slub_percpu_sheaves', 24, [
        { name: 'main', type: pointer, offset: 0 },
        { name: 'spare', type: pointer, offset: 8 },
        { name: 'rcu_free', type: pointer, offset: 16 },
      ]);
      types.struct('slab_sheaf', 32, [
        { name: 'barn_list', type: list, offset: 0 },
        { name: 'size', type: u32, offset: 24 },
        { name: 'objects', type: types.array(pointer, 0), offset: 32 },
      ]);
    } else {
      types.struct('kmem_cache_cpu', 24, [
        { name: 'freelist', type: pointer, offset: 0 },
        { name: described === 'slab' ? 'slab' : 'page', type: pointer, offset: 8 },
        { name: 'partial', type: pointer, offset: 16 },
      ]);
    }
    this.#kernfsTypes(u64, u32, pointer);
    if (allocator === 'slab') {
      types.typedef('freelist_idx_t', types.int('unsigned char', 1));
      types.struct('array_cache', 16, [
        { name: 'avail', type: u32, offset: 0 },
        { name: 'limit', type: u32, offset: 4 },
        { name: 'entry', type: types.array(pointer, 0), offset: 16 },
      ]);
    }
    const state = types.enum('kfence_object_state', {
      KFENCE_OBJECT_UNUSED: 0,
      KFENCE_OBJECT_ALLOCATED: 1,
      KFENCE_OBJECT_FREED: 2,
    });
    types.struct('kfence_metadata', KFENCE_METADATA, [
      { name: 'state', type: state, offset: 0 },
      { name: 'addr', type: u64, offset: 8 },
      { name: 'size', type: u64, offset: 16 },
      { name: 'cache', type: pointer, offset: 24 },
    ]);
    if (mark === 'type') types.enum('pagetype', { PGTY_buddy: 0xf0, PGTY_slab: 0xf5 });
    types.enum('pageflags', {
      PG_locked: 0,
      ...(mark === 'flag' ? { PG_slab: 9 } : {}),
      PG_head: 16,
      __NR_PAGEFLAGS: 24,
    });
  }
}

export class BuiltSlab {
  readonly #builder: SlabBuilder;
  readonly address: VirtAddr;
  readonly memory: VirtAddr;

  constructor(builder: SlabBuilder, address: VirtAddr, memory: VirtAddr) {
    this.#builder = builder;
    this.address = address;
    this.memory = memory;
  }

  /** The user part of an object. */
  object(index: number): VirtAddr {
    const { size, padding } = this.#builder.options;
    return virtAddr(this.memory + BigInt(index * size + padding));
  }

  /** Chains objects as a freelist, and returns its head: NULL where there are none. */
  chain(indices: readonly number[]): bigint {
    for (const [position, index] of indices.entries()) {
      const next = indices[position + 1];
      this.point(index, next === undefined ? 0n : this.object(next));
    }
    const [first] = indices;
    return first === undefined ? 0n : this.object(first);
  }

  /** Writes the pointer of a free object. */
  point(index: number, target: bigint): this {
    const at = this.object(index) + BigInt(this.#builder.options.freePointer);
    this.#builder.kernel.u64(at, this.#builder.encode(at, target));
    return this;
  }
}

function reversed(value: bigint): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, value, true);
  return view.getBigUint64(0, false);
}
