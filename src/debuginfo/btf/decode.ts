/** One BTF record into the type model; those that stand for another type never come here. Kernel Documentation/bpf/btf.rst, section 2.2. */

import { u32At } from '../../bytes/read.ts';
import {
  voidType,
  type BitField,
  type CompoundType,
  type Enumerator,
  type EnumType,
  type Member,
  type Type,
} from '../types/type.ts';
import type { Btf, BtfRecord } from './btf.ts';
import {
  BTF_KIND_ARRAY,
  BTF_KIND_CONST,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_FLOAT,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_FWD,
  BTF_KIND_INT,
  BTF_KIND_PTR,
  BTF_KIND_RESTRICT,
  BTF_KIND_STRUCT,
  BTF_KIND_TYPEDEF,
  BTF_KIND_UNION,
  BTF_KIND_VOLATILE,
} from './constants.ts';

const POINTER_SIZE = 8;
const INT_SIGNED = 1;
const INT_CHAR = 2;
const INT_BOOL = 4;

export function decodeType(btf: Btf, record: BtfRecord): Type {
  const { name, sizeOrType } = record;
  switch (record.kind) {
    case BTF_KIND_INT: {
      const encoding = (u32At(btf.types, record.data) >>> 24) & 0xf;
      return {
        kind: 'int',
        name,
        size: sizeOrType,
        signed: (encoding & INT_SIGNED) !== 0,
        encoding:
          (encoding & INT_BOOL) !== 0 ? 'bool' : (encoding & INT_CHAR) !== 0 || isCharName(name) ? 'char' : 'integer',
      };
    }
    case BTF_KIND_FLOAT:
      return { kind: 'float', name, size: sizeOrType };
    case BTF_KIND_PTR:
      return { kind: 'pointer', size: POINTER_SIZE, get target() { return btf.type(sizeOrType); } }; // prettier-ignore
    case BTF_KIND_ARRAY: {
      const element = u32At(btf.types, record.data);
      const count = u32At(btf.types, record.data + 8);
      return { kind: 'array', count: count === 0 ? undefined : count, get element() { return btf.type(element); } }; // prettier-ignore
    }
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return new BtfCompound(btf, record);
    case BTF_KIND_FWD:
      return { kind: record.flag ? 'union' : 'struct', name, size: 0, complete: false, members: [] };
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
      return decodeEnum(btf, record);
    case BTF_KIND_TYPEDEF:
      return { kind: 'typedef', name, get target() { return btf.type(sizeOrType); } }; // prettier-ignore
    case BTF_KIND_CONST:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_RESTRICT: {
      const qualifier =
        record.kind === BTF_KIND_CONST ? 'const' : record.kind === BTF_KIND_VOLATILE ? 'volatile' : 'restrict';
      return { kind: 'qualified', qualifier, get target() { return btf.type(sizeOrType); } }; // prettier-ignore
    }
    case BTF_KIND_FUNC_PROTO:
      return decodeFunction(btf, record);
    default:
      return voidType;
  }
}

/** GCC's BTF leaves out the char encoding of some; the name tells. */
function isCharName(name: string): boolean {
  return name === 'char' || name === 'signed char' || name === 'unsigned char';
}

class BtfCompound implements CompoundType {
  readonly kind: 'struct' | 'union';
  readonly name: string | undefined;
  readonly size: number;
  readonly complete = true;
  readonly #btf: Btf;
  readonly #record: BtfRecord;
  #members: readonly Member[] | undefined;

  constructor(btf: Btf, record: BtfRecord) {
    this.kind = record.kind === BTF_KIND_UNION ? 'union' : 'struct';
    this.name = record.name === '' ? undefined : record.name;
    this.size = record.sizeOrType;
    this.#btf = btf;
    this.#record = record;
  }

  get members(): readonly Member[] {
    this.#members ??= Array.from({ length: this.#record.length }, (_, index) => this.#member(index));
    return this.#members;
  }

  #member(index: number): Member {
    const btf = this.#btf;
    const at = this.#record.data + index * 12;
    const name = btf.string(u32At(btf.types, at));
    const typeId = u32At(btf.types, at + 4);
    const raw = u32At(btf.types, at + 8);
    const bits = this.#record.flag ? raw & 0xff_ffff : raw;
    const bitSize = this.#record.flag ? raw >>> 24 : oldBitSize(btf, typeId);
    const bitField: BitField | undefined = bitSize === 0 ? undefined : { bitOffset: bits & 7, bitSize };
    return {
      name: name === '' ? undefined : name,
      offset: bits >>> 3,
      bitField,
      get type() {
        return btf.type(typeId);
      },
    };
  }
}

/** Before kind_flag, a bit-field's width stood in an INT type of its own. */
function oldBitSize(btf: Btf, typeId: number): number {
  const record = btf.record(typeId);
  if (record?.kind !== BTF_KIND_INT) return 0;
  const bits = u32At(record.types, record.data) & 0xff;
  return bits === record.sizeOrType * 8 ? 0 : bits;
}

function decodeEnum(btf: Btf, record: BtfRecord): EnumType {
  const wide = record.kind === BTF_KIND_ENUM64;
  const told = wide || btf.tellsSigns;
  const enumerators: Enumerator[] = [];
  for (let index = 0; index < record.length; index++) {
    const at = record.data + index * (wide ? 12 : 8);
    const low = BigInt(u32At(btf.types, at + 4));
    const unsigned = wide ? low | (BigInt(u32At(btf.types, at + 8)) << 32n) : low;
    const value = record.flag || !told ? BigInt.asIntN(wide ? 64 : 32, unsigned) : unsigned;
    enumerators.push({ name: btf.string(u32At(btf.types, at)), value });
  }
  return {
    kind: 'enum',
    name: record.name === '' ? undefined : record.name,
    size: record.sizeOrType,
    // Where no flag tells, nothing but a negative value does.
    signed: record.flag || enumerators.some((enumerator) => enumerator.value < 0n),
    enumerators,
  };
}

function decodeFunction(btf: Btf, record: BtfRecord): Type {
  const parameters = Array.from({ length: record.length }, (_, index) => {
    const at = record.data + index * 8;
    const name = btf.string(u32At(btf.types, at));
    const typeId = u32At(btf.types, at + 4);
    return { name: name === '' ? undefined : name, typeId, get type() { return btf.type(typeId); } }; // prettier-ignore
  });
  const variadic = parameters.at(-1)?.typeId === 0;
  return {
    kind: 'function',
    parameters: variadic ? parameters.slice(0, -1) : parameters,
    variadic,
    get returns() {
      return btf.type(record.sizeOrType);
    },
  };
}
