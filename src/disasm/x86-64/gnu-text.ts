/**
 * An instruction as objdump of GNU binutils writes it in AT&T syntax, numbers with 0x. iced-x86's formatter does most;
 * what GNU does in another way is put right here, a rule each (measured on every instruction of three kernels).
 */

import type { Formatter, Instruction } from 'iced-x86';
import type { Iced } from './iced.ts';
import { prefixesIn, rexName } from './prefixes.ts';

/** Where operands begin: GNU pads the mnemonic, its prefixes included, to six columns. */
const MNEMONIC_WIDTH = 6;

interface Parts {
  /** As iced has them: "lock", "rep", "notrack". */
  prefixes: string[];
  mnemonic: string;
  operands: string;
}

type Rule = (parts: Parts, decoded: Instruction) => void;

export class GnuText {
  readonly #iced: Iced;
  readonly #formatter: Formatter;
  readonly #rules: ReadonlyMap<number, Rule>;

  constructor(iced: Iced) {
    this.#iced = iced;
    this.#rules = rulesByMnemonic(iced);
    this.#formatter = new iced.Formatter(iced.FormatterSyntax.Gas);
    Object.assign(this.#formatter, {
      uppercaseHex: false,
      hexPrefix: '0x',
      hexSuffix: '',
      branchLeadingZeros: false,
      smallHexNumbersInDecimal: false,
      ripRelativeAddresses: true,
      showZeroDisplacements: true,
      spaceAfterOperandSeparator: false,
    });
  }

  of(decoded: Instruction, bytes: Uint8Array): string {
    this.#formatter.alwaysShowScale = decoded.memoryIndex !== this.#iced.Register.None;
    const parts = partsOf(this.#formatter.format(decoded));
    // Where the encoding has a scale but no index, GNU names a register that is always zero.
    if (parts.operands.includes(',)'))
      parts.operands = parts.operands.replace(',)', `,%riz,${decoded.memoryIndexScale})`);
    this.#rules.get(decoded.mnemonic)?.(parts, decoded);
    parts.prefixes = parts.prefixes.map((prefix) => repetition(prefix, parts));
    const unused = this.#unusedPrefixes(decoded, bytes);
    const head = [...unused, ...parts.prefixes, parts.mnemonic].join(' ');
    return parts.operands === '' ? head : `${head.padEnd(MNEMONIC_WIDTH)} ${parts.operands}`;
  }

  /** GNU names the prefixes that change nothing, in the order of the bytes. */
  #unusedPrefixes(decoded: Instruction, bytes: Uint8Array): string[] {
    const { prefixes, rex } = prefixesIn(bytes);
    const names = prefixes.filter((prefix, index) => !this.#isUsed(prefix, index, prefixes, decoded, bytes));
    const useless = rex !== undefined && this.#isRexUseless(rex, decoded);
    return [...names, ...(useless ? [rexName(rex)] : [])];
  }

  #isUsed(name: string, index: number, all: readonly string[], decoded: Instruction, bytes: Uint8Array): boolean {
    const again = all.includes(name, index + 1);
    switch (name) {
      case 'lock':
      case 'repz':
      case 'repnz':
        return true;
      case 'data16':
      case 'addr32':
        return !again && !this.#isSameWithout(name, all, decoded, bytes);
      case 'fs':
      case 'gs':
        return (
          !again && this.#iced.Register[decoded.segmentPrefix]?.toLowerCase() === name && hasMemory(this.#iced, decoded)
        );
      case 'cs':
        return !again && decoded.isJccShortOrNear;
      case 'ds':
        return !again && (decoded.isJccShortOrNear || decoded.isJmpNearIndirect || decoded.isCallNearIndirect);
      default:
        return false;
    }
  }

  /** Whether the instruction is the same when a prefix is taken away wherever it stands. */
  #isSameWithout(name: string, all: readonly string[], decoded: Instruction, bytes: Uint8Array): boolean {
    const dropped = new Set(all.flatMap((prefix, index) => (prefix === name ? [index] : [])));
    const decoder = new this.#iced.Decoder(
      64,
      bytes.filter((_, index) => !dropped.has(index)),
      this.#iced.DecoderOptions.None,
    );
    const other = decoder.decode();
    const same =
      other.code === decoded.code &&
      other.memoryBase === decoded.memoryBase &&
      other.memoryIndex === decoded.memoryIndex &&
      (decoded.opCount === 0 || other.opKind(0) === decoded.opKind(0));
    other.free();
    decoder.free();
    return same;
  }

  /** Of calls, jumps and returns alone: elsewhere compilers leave none. */
  #isRexUseless(rex: number, decoded: Instruction): boolean {
    const { FlowControl } = this.#iced;
    switch (decoded.flowControl) {
      case FlowControl.Call:
      case FlowControl.ConditionalBranch:
      case FlowControl.UnconditionalBranch:
        return true;
      case FlowControl.IndirectCall:
      case FlowControl.IndirectBranch:
        return (rex & 8) !== 0 && !decoded.isCallFarIndirect && !decoded.isJmpFarIndirect;
      case FlowControl.Return:
        return (rex & 8) !== 0 && decoded.mnemonic === this.#iced.Mnemonic.Ret;
      default:
        return false;
    }
  }
}

function partsOf(text: string): Parts {
  const words = text.trim().split(/\s+/);
  const prefixes: string[] = [];
  while (words.length > 1 && isPrefix.test(words[0] ?? '')) prefixes.push(words.shift() ?? '');
  return { prefixes, mnemonic: words[0] ?? '', operands: words.slice(1).join(' ') };
}

const isPrefix = /^(lock|rep|repe|repz|repne|repnz|notrack|bnd|xacquire|xrelease)$/;

/** GNU says rep where the instruction copies, else repz and repnz. */
function repetition(prefix: string, { mnemonic }: Parts): string {
  if (prefix === 'repne') return 'repnz';
  if (prefix === 'repe') return 'repz';
  return prefix === 'rep' && !/^(movs|stos|lods|ins|outs)[bwlq]?$/.test(mnemonic) ? 'repz' : prefix;
}

function hasMemory(iced: Iced, decoded: Instruction): boolean {
  for (let index = 0; index < decoded.opCount; index++)
    if (decoded.opKind(index) >= iced.OpKind.MemorySegSI) return true;
  return false;
}

/** Where the size is told by nothing else, GNU leaves its suffix away: there is no other size. */
const bare: Readonly<Record<string, string>> = {
  callq: 'call',
  iretl: 'iret',
  jmpq: 'jmp',
  lcalll: 'lcall',
  ljmpl: 'ljmp',
  lretl: 'lret',
  popq: 'pop',
  pushq: 'push',
};

const dropSuffix: Rule = (parts) => {
  parts.mnemonic = bare[parts.mnemonic] ?? parts.mnemonic;
};

const operandsAre =
  (text: string): Rule =>
  (parts) => {
    parts.operands = text;
  };

/** The segments of the implied addresses, and the port in parentheses. */
const nameSegments: Rule = (parts) => {
  parts.operands = parts.operands
    .replace(/(?<![:\w])\((%[re]si)\)/, '%ds:($1)')
    .replace(/(?<![:\w])\((%[re]di)\)/, '%es:($1)')
    .replace(/%dx(?!\w)/, '(%dx)');
};

/** imul by a number into the register it reads: that register twice. */
const repeatRegister: Rule = (parts, decoded) => {
  const comma = parts.operands.lastIndexOf(',');
  if (decoded.opCount === 3 && parts.operands.split(',').length === 2) parts.operands += parts.operands.slice(comma);
};

function rulesByMnemonic({ Mnemonic, Code }: Iced): Map<number, Rule> {
  /** Shifts by one whose 1 is no byte of its own. */
  const dropOne: Rule = (parts, decoded) => {
    if (Code[decoded.code]?.endsWith('_1')) parts.operands = parts.operands.replace(/^\$0x1,/, '');
  };
  const rules = new Map<number, Rule>();
  const add = (mnemonics: readonly number[], rule: Rule): void => {
    for (const mnemonic of mnemonics) rules.set(mnemonic, rule);
  };
  add([Mnemonic.Call, Mnemonic.Jmp, Mnemonic.Push, Mnemonic.Pop, Mnemonic.Retf, Mnemonic.Iretd], dropSuffix);
  add([Mnemonic.Shl, Mnemonic.Shr, Mnemonic.Sar], dropOne);
  // One and the same instruction.
  add([Mnemonic.Sal], (parts, decoded) => {
    dropOne(parts, decoded);
    parts.mnemonic = parts.mnemonic.replace('sal', 'shl');
  });
  add([Mnemonic.Xlatb], operandsAre('%ds:(%rbx)'));
  add([Mnemonic.Rol, Mnemonic.Ror, Mnemonic.Rcl, Mnemonic.Rcr], dropOne);
  add([Mnemonic.Imul], repeatRegister);
  add([Mnemonic.Movsb, Mnemonic.Movsw, Mnemonic.Movsd, Mnemonic.Movsq], nameSegments);
  add([Mnemonic.Cmpsb, Mnemonic.Cmpsw, Mnemonic.Cmpsd, Mnemonic.Cmpsq], nameSegments);
  add([Mnemonic.Stosb, Mnemonic.Stosw, Mnemonic.Stosd, Mnemonic.Stosq], nameSegments);
  add([Mnemonic.Lodsb, Mnemonic.Lodsw, Mnemonic.Lodsd, Mnemonic.Lodsq], nameSegments);
  add([Mnemonic.Scasb, Mnemonic.Scasw, Mnemonic.Scasd, Mnemonic.Scasq], nameSegments);
  add([Mnemonic.Insb, Mnemonic.Insw, Mnemonic.Insd], nameSegments);
  add([Mnemonic.Outsb, Mnemonic.Outsw, Mnemonic.Outsd], nameSegments);
  add([Mnemonic.In, Mnemonic.Out], nameSegments);
  add([Mnemonic.Mov], (parts) => (parts.operands = parts.operands.replace(/%dr(\d)/, '%db$1')));
  add([Mnemonic.Monitor, Mnemonic.Monitorx], operandsAre('%rax,%ecx,%edx'));
  add([Mnemonic.Mwait], operandsAre('%eax,%ecx'));
  add([Mnemonic.Mwaitx], operandsAre('%eax,%ecx,%ebx'));
  add([Mnemonic.Fsubp, Mnemonic.Fsubrp, Mnemonic.Faddp, Mnemonic.Fmulp, Mnemonic.Fdivp, Mnemonic.Fdivrp], (parts) => {
    if (parts.operands === '') parts.operands = '%st,%st(1)';
  });
  return rules;
}
