/**
 * ORC entries, whatever dialect they are written in. Kernel arch/x86/include/asm/orc_types.h and
 * Documentation/arch/x86/orc-unwinder.rst.
 */

/** Where a value of the caller's frame is computed from. */
export type OrcRegister =
  | 'undefined'
  | 'prev_sp'
  | 'ax'
  | 'dx'
  | 'di'
  | 'bp'
  | 'sp'
  | 'r10'
  | 'r13'
  | 'bp_indirect'
  | 'sp_indirect';

/** `undefined`: cannot be unwound; `end-of-stack`: there is no caller. */
export type OrcType = 'undefined' | 'end-of-stack' | 'call' | 'regs' | 'regs-partial';

export interface OrcEntry {
  readonly spRegister: OrcRegister;
  readonly spOffset: number;
  readonly bpRegister: OrcRegister;
  readonly bpOffset: number;
  readonly type: OrcType;
  /** The caller was interrupted: its ip is to be taken literally, and is no return address. */
  readonly signal: boolean;
}

export const ORC_ENTRY_SIZE = 6;

/** One way of writing entries that some kernels use. */
export interface OrcDialect {
  readonly name: string;
  /** By number. */
  readonly registers: readonly OrcRegister[];
  typeOf(flags: number): OrcType | undefined;
  signalOf(flags: number): boolean;
}
