/**
 * BTF type data as a source of types. Kernel Documentation/bpf/btf.rst.
 *
 * Split BTF (a module's) continues its base: its first id follows the base's last, its string offsets follow the
 * base's strings. Opening costs one pass over the type section to know where each id lies; a type is decoded when it
 * is asked for.
 */

import { FormatError } from '../../base/errors.ts';
import { once } from '../../base/search.ts';
import { Cursor } from '../../bytes/cursor.ts';
import { NameIndex, NO_NAME } from '../../bytes/name-index.ts';
import { stringAt, u32At } from '../../bytes/read.ts';
import type { NamedKind, TypeSource } from '../types/catalog.ts';
import {
  strip,
  voidType,
  type CompoundType,
  type EnumConstant,
  type EnumType,
  type FunctionType,
  type Type,
  type TypedefType,
} from '../types/type.ts';
import {
  BTF_KIND_ARRAY,
  BTF_KIND_DATASEC,
  BTF_KIND_DECL_TAG,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_FLOAT,
  BTF_KIND_FUNC,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_INT,
  BTF_KIND_STRUCT,
  BTF_KIND_TYPEDEF,
  BTF_KIND_TYPE_TAG,
  BTF_KIND_UNION,
  BTF_KIND_VAR,
  BTF_MAGIC,
} from './constants.ts';
import { decodeType } from './decode.ts';

/** One type record's fixed part. */
export interface BtfRecord {
  readonly id: number;
  readonly kind: number;
  /** The kind_flag bit. */
  readonly flag: boolean;
  readonly length: number;
  readonly name: string;
  /** Size or type id, as the kind has it. */
  readonly sizeOrType: number;
  /** The type section it stands in: its own, or that of the base. */
  readonly types: Uint8Array;
  /** Where the kind's own data begins in `types`. */
  readonly data: number;
}

/** A variable as BTF describes it: of kernels, the per-CPU ones. */
export interface BtfVariable {
  readonly type: Type;
  /** ".data..percpu"; undefined where no section lists it. */
  readonly section: string | undefined;
  /** In bytes from the start of the section. */
  readonly offset: number;
}

const kindsOf: Readonly<Record<NamedKind, readonly number[]>> = {
  struct: [BTF_KIND_STRUCT],
  union: [BTF_KIND_UNION],
  enum: [BTF_KIND_ENUM, BTF_KIND_ENUM64],
  typedef: [BTF_KIND_TYPEDEF],
};

export class Btf implements TypeSource {
  readonly name = 'BTF';
  readonly types: Uint8Array;
  /** The last id, of this data and its base together. */
  readonly lastId: number;
  readonly #base: Btf | undefined;
  readonly #strings: Uint8Array;
  readonly #stringStart: number;
  readonly #firstId: number;
  readonly #offsets: Uint32Array;
  readonly #decoded = new Map<number, Type>();
  /** Of the names in its own strings, and of those that it shares with its base. */
  readonly #names: () => readonly NameIndex[];
  readonly #enumerators: () => Map<string, EnumConstant>;
  readonly #tellsSigns: () => boolean;
  /** Of functions alone: there are as many of them as of all other names. */
  readonly #functionNames: () => readonly NameIndex[];
  /** By id of the variable: where the data sections have it. */
  readonly #placesOfVariables: () => ReadonlyMap<number, { readonly section: string; readonly offset: number }>;

  /** @throws FormatError where the bytes are no BTF */
  constructor(bytes: Uint8Array, section: string, base?: Btf) {
    const header = new Cursor(bytes, section);
    if (header.u16() !== BTF_MAGIC) throw new FormatError(section, 'is no BTF data');
    header.skip(2);
    const headerLength = header.u32();
    const typesOffset = headerLength + header.u32();
    const typesLength = header.u32();
    const stringsOffset = headerLength + header.u32();
    const stringsLength = header.u32();
    if (typesOffset + typesLength > bytes.length || stringsOffset + stringsLength > bytes.length) {
      throw new FormatError(section, 'ends before its types or strings do');
    }
    this.types = bytes.subarray(typesOffset, typesOffset + typesLength);
    this.#strings = bytes.subarray(stringsOffset, stringsOffset + stringsLength);
    this.#base = base;
    this.#stringStart = base === undefined ? 0 : base.#stringStart + base.#strings.length;
    this.#firstId = base === undefined ? 1 : base.lastId + 1;
    this.#offsets = indexTypes(this.types, section);
    this.lastId = this.#firstId + this.#offsets.length - 1;
    const indexBy = (kinds: readonly boolean[]): readonly NameIndex[] =>
      [this, base].flatMap((owner) =>
        owner === undefined ? [] : [this.#indexNames(owner.#strings, owner.#stringStart, kinds)],
      );
    this.#names = once(() => indexBy(indexedKinds));
    this.#functionNames = once(() => indexBy(functionKind));
    this.#enumerators = once(() => this.#indexEnumerators());
    this.#tellsSigns = once(() => this.#hasSignedEnums());
    this.#placesOfVariables = once(() => this.#readSections());
  }

  /**
   * Whether enums say if they are signed: kind_flag of ENUM, and ENUM64, are of v6.0 (6089fb325cf7). Before, values from
   * 2^31 on cannot be told from negative ones; of what has a signed enum or a wide one, the flags of all are meant.
   */
  get tellsSigns(): boolean {
    return this.#base?.tellsSigns === true || this.#tellsSigns();
  }

  /** The type of an id; 0, and any id that is not there, is void. */
  type(id: number): Type {
    if (id < this.#firstId) return id === 0 || this.#base === undefined ? voidType : this.#base.type(id);
    let type = this.#decoded.get(id);
    if (type === undefined) {
      const record = this.#behindTags(id);
      type = record === undefined ? voidType : record.id === id ? decodeType(this, record) : this.type(record.id);
      this.#decoded.set(id, type);
    }
    return type;
  }

  /** The record of an id, or the one that type tags, functions and variables stand for; undefined where that has no end. */
  #behindTags(id: number): BtfRecord | undefined {
    let record = this.record(id);
    for (let step = 0; record !== undefined && transparentKinds.has(record.kind); step++) {
      record = step < LONGEST_TAG_CHAIN ? this.record(record.sizeOrType) : undefined;
    }
    return record;
  }

  record(id: number): BtfRecord | undefined {
    if (id < this.#firstId) return this.#base?.record(id);
    const at = this.#offsets[id - this.#firstId];
    if (at === undefined) return undefined;
    const info = u32At(this.types, at + 4);
    return {
      id,
      kind: (info >>> 24) & 0x1f,
      flag: info >>> 31 === 1,
      length: info & 0xffff,
      name: this.string(u32At(this.types, at)),
      sizeOrType: u32At(this.types, at + 8),
      types: this.types,
      data: at + 12,
    };
  }

  string(offset: number): string {
    if (offset < this.#stringStart) return this.#base?.string(offset) ?? '';
    const local = offset - this.#stringStart;
    return local < this.#strings.length ? stringAt(this.#strings, local) : '';
  }

  compound(kind: 'struct' | 'union', name: string): CompoundType | undefined {
    const found = this.#named(name, kind === 'struct' ? BTF_KIND_STRUCT : BTF_KIND_UNION);
    return found?.kind === kind ? found : undefined;
  }

  enumeration(name: string): EnumType | undefined {
    const found = this.#named(name, BTF_KIND_ENUM) ?? this.#named(name, BTF_KIND_ENUM64);
    return found?.kind === 'enum' ? found : undefined;
  }

  typedef(name: string): TypedefType | undefined {
    const found = this.#named(name, BTF_KIND_TYPEDEF);
    return found?.kind === 'typedef' ? found : undefined;
  }

  base(name: string): Type | undefined {
    return this.#named(name, BTF_KIND_INT) ?? this.#named(name, BTF_KIND_FLOAT);
  }

  enumerator(name: string): EnumConstant | undefined {
    return this.#enumerators().get(name) ?? this.#base?.enumerator(name);
  }

  /** The type of a per-CPU variable (the only variables kernels describe). */
  variable(name: string): Type | undefined {
    const id = this.#idOf(name, BTF_KIND_VAR);
    if (id === undefined) return this.#base?.variable(name);
    const record = this.record(id);
    return record && this.type(record.sizeOrType);
  }

  /** Every variable of that name, with its place. */
  variables(name: string): BtfVariable[] {
    const own = this.#idsOf(this.#names(), name, BTF_KIND_VAR).map((id) => {
      const place = this.#placesOfVariables().get(id);
      return { type: this.type(id), section: place?.section, offset: place?.offset ?? 0 };
    });
    return [...own, ...(this.#base?.variables(name) ?? [])];
  }

  /** The prototype of a function, with the names of its parameters. */
  functionNamed(name: string): FunctionType | undefined {
    const [id] = this.#idsOf(this.#functionNames(), name, BTF_KIND_FUNC);
    if (id === undefined) return this.#base?.functionNamed(name);
    const type = this.type(id);
    return type.kind === 'function' ? type : undefined;
  }

  *compounds(): Generator<CompoundType> {
    for (let index = 0; index < this.#offsets.length; index++) {
      const at = this.#offsets[index] as number;
      const kind = (u32At(this.types, at + 4) >>> 24) & 0x1f;
      if ((kind !== BTF_KIND_STRUCT && kind !== BTF_KIND_UNION) || u32At(this.types, at) === 0) continue;
      const type = this.type(this.#firstId + index);
      if ((type.kind === 'struct' || type.kind === 'union') && type.name !== undefined) yield type;
    }
  }

  *names(kind: NamedKind): Generator<string> {
    const kinds = kindsOf[kind];
    for (const at of this.#offsets) {
      if (!kinds.includes((u32At(this.types, at + 4) >>> 24) & 0x1f)) continue;
      const name = this.string(u32At(this.types, at));
      if (name !== '') yield name;
    }
  }

  #named(name: string, kind: number): Type | undefined {
    const id = this.#idOf(name, kind);
    if (id !== undefined) return this.type(id);
    return this.#base === undefined ? undefined : this.#base.#named(name, kind);
  }

  #idOf(name: string, kind: number): number | undefined {
    return this.#idsOf(this.#names(), name, kind)[0];
  }

  #idsOf(indices: readonly NameIndex[], name: string, kind: number): number[] {
    return indices.flatMap((names) =>
      names
        .find(name)
        .map((index) => this.#firstId + index)
        .filter((id) => this.record(id)?.kind === kind),
    );
  }

  /** The names that lie in `strings`, which begin at `start` of the string offsets; by position of the record. */
  #indexNames(strings: Uint8Array, start: number, kinds: readonly boolean[]): NameIndex {
    const view = new DataView(this.types.buffer, this.types.byteOffset, this.types.byteLength);
    const names = new Uint32Array(this.#offsets.length);
    for (let index = 0; index < names.length; index++) {
      const at = this.#offsets[index] as number;
      const name = view.getUint32(at, true) - start;
      const kind = view.getUint8(at + 7) & 0x1f;
      names[index] = name >= 0 && name < strings.length && kinds[kind] === true ? name : NO_NAME;
    }
    return new NameIndex(names, strings);
  }

  #readSections(): Map<number, { section: string; offset: number }> {
    const places = new Map<number, { section: string; offset: number }>();
    for (let index = 0; index < this.#offsets.length; index++) {
      const record = this.record(this.#firstId + index);
      if (record?.kind !== BTF_KIND_DATASEC) continue;
      for (let at = record.data; at < record.data + record.length * 12; at += 12) {
        places.set(u32At(this.types, at), { section: record.name, offset: u32At(this.types, at + 4) });
      }
    }
    return places;
  }

  #hasSignedEnums(): boolean {
    for (const at of this.#offsets) {
      const info = u32At(this.types, at + 4);
      const kind = (info >>> 24) & 0x1f;
      if (kind === BTF_KIND_ENUM64 || (kind === BTF_KIND_ENUM && info >>> 31 === 1)) return true;
    }
    return false;
  }

  #indexEnumerators(): Map<string, EnumConstant> {
    const values = new Map<string, EnumConstant>();
    for (let index = 0; index < this.#offsets.length; index++) {
      const kind = (u32At(this.types, (this.#offsets[index] as number) + 4) >>> 24) & 0x1f;
      if (kind !== BTF_KIND_ENUM && kind !== BTF_KIND_ENUM64) continue;
      const type = strip(this.type(this.#firstId + index));
      if (type.kind !== 'enum') continue;
      for (const { name, value } of type.enumerators) if (!values.has(name)) values.set(name, { type, value });
    }
    return values;
  }
}

/** Records that stand for the type they refer to. A chain of them that is longer than this leads to itself. */
const transparentKinds = new Set([BTF_KIND_TYPE_TAG, BTF_KIND_FUNC, BTF_KIND_VAR]);
const LONGEST_TAG_CHAIN = 64;

/** By kind: what is looked up by name. */
const indexedKinds: readonly boolean[] = Array.from({ length: BTF_KIND_ENUM64 + 1 }, (_, kind) =>
  [
    BTF_KIND_INT,
    BTF_KIND_STRUCT,
    BTF_KIND_UNION,
    BTF_KIND_ENUM,
    BTF_KIND_ENUM64,
    BTF_KIND_TYPEDEF,
    BTF_KIND_FLOAT,
    BTF_KIND_VAR,
  ].includes(kind),
);

const functionKind: readonly boolean[] = indexedKinds.map((_, kind) => kind === BTF_KIND_FUNC);

/** Where each record begins. */
function indexTypes(types: Uint8Array, section: string): Uint32Array {
  const view = new DataView(types.buffer, types.byteOffset, types.byteLength);
  let offsets = new Uint32Array(Math.max(16, types.length >> 5));
  let count = 0;
  let at = 0;
  while (at + 12 <= types.length) {
    if (count === offsets.length) {
      const grown = new Uint32Array(count * 2);
      grown.set(offsets);
      offsets = grown;
    }
    offsets[count++] = at;
    const info = view.getUint32(at + 4, true);
    at += 12 + dataLength((info >>> 24) & 0x1f, info & 0xffff, section, at);
  }
  return offsets.subarray(0, count);
}

/** The length of what follows a record's fixed part. */
function dataLength(kind: number, length: number, section: string, at: number): number {
  switch (kind) {
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case BTF_KIND_DECL_TAG:
      return 4;
    case BTF_KIND_ARRAY:
      return 12;
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
    case BTF_KIND_DATASEC:
    case BTF_KIND_ENUM64:
      return length * 12;
    case BTF_KIND_ENUM:
    case BTF_KIND_FUNC_PROTO:
      return length * 8;
    default:
      if (kind === 0 || kind > BTF_KIND_ENUM64) throw new FormatError(section, `unknown kind ${kind}`, at);
      return 0;
  }
}
