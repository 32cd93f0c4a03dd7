/**
 * How a value is computed: a formula over registers and memory as they were before an instruction. Values are 64-bit
 * and unsigned; narrower ones are extended to that explicitly, as the processor does.
 */

export type Operation =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'and'
  | 'or'
  | 'xor'
  | 'shift-left'
  | 'shift-right'
  | 'shift-right-signed';

export type Formula =
  | { readonly kind: 'constant'; readonly value: bigint }
  /** A whole register by its 64-bit name, "rax". */
  | { readonly kind: 'register'; readonly name: string }
  | MemoryFormula
  | { readonly kind: 'binary'; readonly operation: Operation; readonly left: Formula; readonly right: Formula }
  /** The lowest `size` bytes. */
  | { readonly kind: 'extended'; readonly size: number; readonly signed: boolean; readonly of: Formula }
  /** One or the other, by a condition that is not followed. */
  | { readonly kind: 'either'; readonly first: Formula; readonly second: Formula }
  /** Something else. `call`: a called function may have set it. */
  | { readonly kind: 'unknown'; readonly cause: 'call' | 'computed' };

/** What memory holds, as an unsigned number. */
export interface MemoryFormula {
  readonly kind: 'memory';
  readonly address: Formula;
  /** In bytes, at most 8. */
  readonly size: number;
  /** "gs" or "fs", whose base is to be added. */
  readonly segment: string | undefined;
}

/** What a formula is evaluated in. What is not known is undefined. */
export interface FormulaState {
  register(name: string): bigint | undefined;
  memory(address: bigint, part: MemoryFormula): bigint | undefined;
}

export const WORD = 8;

export function constant(value: bigint): Formula {
  return { kind: 'constant', value: BigInt.asUintN(64, value) };
}

export function register(name: string): Formula {
  return { kind: 'register', name };
}

export function binary(operation: Operation, left: Formula, right: Formula): Formula {
  if (right.kind === 'constant') {
    if (left.kind === 'constant') return constant(compute(operation, left.value, right.value));
    if (right.value === 0n && neutralZero.has(operation)) return left;
  }
  return { kind: 'binary', operation, left, right };
}

/** Operations that a right side of zero makes nothing of. */
const neutralZero = new Set<Operation>([
  'add',
  'subtract',
  'or',
  'xor',
  'shift-left',
  'shift-right',
  'shift-right-signed',
]);

/** The lowest `size` bytes of a value; eight are the whole. */
export function extended(of: Formula, size: number, signed = false): Formula {
  if (size >= WORD || of.kind === 'unknown') return of;
  if (of.kind === 'constant') return constant(extend(of.value, size, signed));
  if (!signed && of.kind === 'memory' && of.size <= size) return of;
  return { kind: 'extended', size, signed, of };
}

/** Undefined where something that it needs is not known, or where its two ways differ. */
export function evaluate(formula: Formula, state: FormulaState): bigint | undefined {
  switch (formula.kind) {
    case 'constant':
      return formula.value;
    case 'register':
      return state.register(formula.name);
    case 'memory': {
      const address = evaluate(formula.address, state);
      return address === undefined ? undefined : state.memory(address, formula);
    }
    case 'binary': {
      const left = evaluate(formula.left, state);
      if (left === undefined) return undefined;
      const right = evaluate(formula.right, state);
      return right === undefined ? undefined : compute(formula.operation, left, right);
    }
    case 'extended': {
      const value = evaluate(formula.of, state);
      return value === undefined ? undefined : extend(value, formula.size, formula.signed);
    }
    case 'either': {
      const first = evaluate(formula.first, state);
      return first !== undefined && first === evaluate(formula.second, state) ? first : undefined;
    }
    case 'unknown':
      return undefined;
  }
}

/** The registers that a formula reads, each once. */
export function registersIn(formula: Formula): Set<string> {
  const found = new Set<string>();
  collect(formula, (part) => {
    if (part.kind === 'register') found.add(part.name);
  });
  return found;
}

/** Whether it reads memory anywhere. */
export function readsMemory(formula: Formula): boolean {
  let reads = false;
  collect(formula, (part) => (reads ||= part.kind === 'memory'));
  return reads;
}

function collect(formula: Formula, visit: (part: Formula) => void): void {
  visit(formula);
  switch (formula.kind) {
    case 'memory':
      collect(formula.address, visit);
      break;
    case 'binary':
      collect(formula.left, visit);
      collect(formula.right, visit);
      break;
    case 'extended':
      collect(formula.of, visit);
      break;
    case 'either':
      collect(formula.first, visit);
      collect(formula.second, visit);
      break;
    default:
  }
}

function extend(value: bigint, size: number, signed: boolean): bigint {
  const bits = size * 8;
  return signed ? BigInt.asUintN(64, BigInt.asIntN(bits, value)) : BigInt.asUintN(bits, value);
}

function compute(operation: Operation, left: bigint, right: bigint): bigint {
  return BigInt.asUintN(64, exact(operation, left, right));
}

/** Shifts by more than 63 do not occur: the processor masks the count, and whoever makes the formula does. */
function exact(operation: Operation, left: bigint, right: bigint): bigint {
  switch (operation) {
    case 'add':
      return left + right;
    case 'subtract':
      return left - right;
    case 'multiply':
      return left * right;
    case 'and':
      return left & right;
    case 'or':
      return left | right;
    case 'xor':
      return left ^ right;
    case 'shift-left':
      return left << (right & 63n);
    case 'shift-right':
      return left >> (right & 63n);
    case 'shift-right-signed':
      return BigInt.asIntN(64, left) >> (right & 63n);
  }
}
