/**
 * The x86-64 disassembler: iced-x86 behind our interface. Its objects live in wasm memory and must be freed; none of
 * them leaves this file, so what it gives is plain data.
 */

import { virtAddr, type VirtAddr } from '../../base/addr.ts';
import type iced from 'iced-x86';
import type { Decoder, Instruction as IcedInstruction, OpKind, Register } from 'iced-x86';
import type { Disassembler } from '../disassembler.ts';
import type {
  Access,
  Effects,
  Instruction,
  InstructionKind,
  MemoryOperand,
  Operand,
  RegisterOperand,
} from '../instruction.ts';
import { GnuText } from './gnu-text.ts';

/** The package, which whoever loads it hands over. */
export type Iced = typeof iced;

const LONGEST = 15;

export class IcedDisassembler implements Disassembler {
  readonly longest = LONGEST;
  readonly #iced: Iced;
  readonly #text: GnuText;
  readonly #names: Names;
  readonly #kinds: ReadonlyMap<number, InstructionKind>;

  constructor(iced: Iced) {
    this.#iced = iced;
    this.#text = new GnuText(iced);
    this.#names = new Names(iced);
    const { FlowControl } = iced;
    this.#kinds = new Map<number, InstructionKind>([
      [FlowControl.Call, 'call'],
      [FlowControl.IndirectCall, 'call'],
      [FlowControl.UnconditionalBranch, 'jump'],
      [FlowControl.IndirectBranch, 'jump'],
      [FlowControl.ConditionalBranch, 'branch'],
      [FlowControl.Return, 'return'],
      [FlowControl.Exception, 'trap'],
      [FlowControl.XbeginXabortXend, 'other'],
    ]);
  }

  decode(bytes: Uint8Array, address: VirtAddr, most = Infinity): Instruction[] {
    const iced = this.#iced;
    const decoder = new iced.Decoder(64, bytes, iced.DecoderOptions.None);
    const decoded = new iced.Instruction();
    const instructions: Instruction[] = [];
    try {
      decoder.ip = address;
      while (decoder.canDecode && instructions.length < most) {
        const start = decoder.position;
        const at = virtAddr(decoder.ip);
        decoder.decodeOut(decoded);
        if (!decoded.isInvalid) {
          instructions.push(this.#instruction(decoded, at, bytes.subarray(start, decoder.position)));
          continue;
        }
        if (decoder.lastError === iced.DecoderError.NoMoreBytes) break;
        instructions.push(invalid(at, bytes.subarray(start, start + 1)));
        decoder.position = start + 1;
        decoder.ip = at + 1n;
      }
    } finally {
      decoder.free();
      decoded.free();
    }
    return instructions;
  }

  text(instruction: Instruction): string {
    if (instruction.kind === 'invalid') return '(bad)';
    return this.#decoded(instruction, (decoded) => this.#text.of(decoded, instruction.bytes));
  }

  effects(instruction: Instruction): Effects {
    if (instruction.kind === 'invalid') return { operands: [], reads: [], writes: [] };
    return this.#decoded(instruction, (decoded) => this.#effects(decoded));
  }

  #decoded<T>(instruction: Instruction, use: (decoded: IcedInstruction) => T): T {
    const decoder: Decoder = new this.#iced.Decoder(64, instruction.bytes, this.#iced.DecoderOptions.None);
    decoder.ip = instruction.address;
    const decoded = decoder.decode();
    try {
      return use(decoded);
    } finally {
      decoded.free();
      decoder.free();
    }
  }

  #instruction(decoded: IcedInstruction, address: VirtAddr, bytes: Uint8Array): Instruction {
    const { FlowControl, OpKind } = this.#iced;
    const { flowControl } = decoded;
    const direct = decoded.opCount > 0 && decoded.opKind(0) === OpKind.NearBranch64;
    const breakpoint = flowControl === FlowControl.Interrupt && bytes[0] === 0xcc;
    return {
      address,
      bytes,
      name: this.#names.mnemonic(decoded.mnemonic),
      kind: breakpoint ? 'trap' : (this.#kinds.get(flowControl) ?? 'other'),
      target: direct ? virtAddr(decoded.nearBranchTarget) : undefined,
      operands: this.#operands(decoded),
    };
  }

  #operands(decoded: IcedInstruction): Operand[] {
    const { OpKind } = this.#iced;
    const operands: Operand[] = [];
    for (let index = 0; index < decoded.opCount; index++) {
      const kind = decoded.opKind(index);
      if (kind === OpKind.Register) operands.push(this.#names.register(decoded.opRegister(index)));
      else if (kind === OpKind.NearBranch64)
        operands.push({ kind: 'target', address: virtAddr(decoded.nearBranchTarget) });
      else if (kind === OpKind.Memory) operands.push(this.#memory(decoded));
      else if (kind >= OpKind.MemorySegSI && kind < OpKind.Memory) operands.push(this.#stringMemory(decoded, kind));
      else if (kind >= OpKind.Immediate8 && kind < OpKind.MemorySegSI)
        operands.push({ kind: 'immediate', value: BigInt.asIntN(64, decoded.immediate(index)) });
    }
    return operands;
  }

  #memory(decoded: IcedInstruction): MemoryOperand {
    const relative = decoded.isIpRelMemoryOperand;
    const base = relative ? undefined : this.#names.optional(decoded.memoryBase);
    const index = this.#names.optional(decoded.memoryIndex);
    const displacement = BigInt.asIntN(64, decoded.memoryDisplacement);
    return {
      kind: 'memory',
      size: this.#iced.MemorySizeExt.size(decoded.memorySize),
      segment: this.#segment(decoded),
      base,
      index,
      scale: decoded.memoryIndexScale,
      displacement: relative ? displacement - BigInt.asIntN(64, decoded.nextIP) : displacement,
      address: base === undefined && index === undefined ? virtAddr(displacement) : undefined,
    };
  }

  /** What the string instructions access by rsi or rdi. */
  #stringMemory(decoded: IcedInstruction, kind: OpKind): MemoryOperand {
    const { OpKind } = this.#iced;
    const source = kind <= OpKind.MemorySegRSI;
    const narrow = kind === OpKind.MemorySegESI || kind === OpKind.MemorySegEDI || kind === OpKind.MemoryESEDI;
    return {
      kind: 'memory',
      size: this.#iced.MemorySizeExt.size(decoded.memorySize),
      segment: source ? this.#segment(decoded) : undefined,
      base: `${narrow ? 'e' : 'r'}${source ? 's' : 'd'}i`,
      index: undefined,
      scale: 1,
      displacement: 0n,
      address: undefined,
    };
  }

  /** In 64-bit mode the others have base zero. */
  #segment(decoded: IcedInstruction): string | undefined {
    const { Register } = this.#iced;
    const prefix = decoded.segmentPrefix;
    return prefix === Register.GS ? 'gs' : prefix === Register.FS ? 'fs' : undefined;
  }

  #effects(decoded: IcedInstruction): Effects {
    const factory = new this.#iced.InstructionInfoFactory();
    const info = factory.info(decoded);
    const reads = new Set<string>();
    const writes = new Set<string>();
    try {
      for (const used of info.usedRegisters()) {
        const { whole } = this.#names.register(used.register);
        const access = accessNames[used.access] ?? 'none';
        if (access.includes('read')) reads.add(whole);
        if (access.includes('write')) writes.add(whole);
        used.free();
      }
      const operands = Array.from(
        { length: decoded.opCount },
        (_, index) => accessNames[info.opAccess(index)] ?? 'none',
      );
      return { operands, reads: [...reads], writes: [...writes] };
    } finally {
      info.free();
      factory.free();
    }
  }
}

/** By OpAccess. */
const accessNames: readonly Access[] = [
  'none',
  'read',
  'maybe-read',
  'write',
  'maybe-write',
  'read-write',
  'read-maybe-write',
  'none',
];

function invalid(address: VirtAddr, bytes: Uint8Array): Instruction {
  return { address, bytes, name: '(bad)', kind: 'invalid', target: undefined, operands: [] };
}

/** The names of iced's numbers, each made once. */
class Names {
  readonly #iced: Iced;
  readonly #mnemonics = new Map<number, string>();
  readonly #registers = new Map<Register, RegisterOperand>();

  constructor(iced: Iced) {
    this.#iced = iced;
  }

  mnemonic(mnemonic: number): string {
    const known = this.#mnemonics.get(mnemonic);
    if (known !== undefined) return known;
    const name = (this.#iced.Mnemonic[mnemonic] ?? '?').toLowerCase();
    this.#mnemonics.set(mnemonic, name);
    return name;
  }

  register(register: Register): RegisterOperand {
    let operand = this.#registers.get(register);
    if (operand === undefined) {
      const { Register, RegisterExt } = this.#iced;
      const nameOf = (number: Register): string => (Register[number] ?? '?').toLowerCase().replace(/^(r\d+)l$/, '$1b');
      operand = {
        kind: 'register',
        name: nameOf(register),
        whole: nameOf(RegisterExt.fullRegister(register)),
        size: RegisterExt.size(register),
      };
      this.#registers.set(register, operand);
    }
    return operand;
  }

  optional(register: Register): string | undefined {
    return register === this.#iced.Register.None ? undefined : this.register(register).name;
  }
}
