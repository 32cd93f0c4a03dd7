/**
 * Evaluates DWARF expressions: where a variable is, what a call frame rule computes, what a caller passed. DWARF 5
 * sections 2.5 and 2.6, with the GNU operations that version 4 had in place of some.
 *
 * What surrounds an expression comes through its context; what the context does not know ends the evaluation with a
 * LookupError that says what was missing. Invariant: at most MOST_STEPS operations, calls included.
 */

import { virtAddr } from '../base/addr.ts';
import { FormatError, LookupError } from '../base/errors.ts';
import * as O from '../debuginfo/dwarf/operation-constants.ts';
import type { ExpressionContext, Piece } from './expression-context.ts';
import { computed } from './expression-arithmetic.ts';
import { constantOf, integerAt, LARGEST_CONSTANT, Operands } from './expression-operands.ts';
import { LocationDescription } from './location-description.ts';
import {
  binary,
  converted,
  entryOf,
  genericType,
  reinterpreted,
  type StackEntry,
  type StackType,
} from './typed-stack.ts';

const MOST_STEPS = 2000;
const DEEPEST_CALL = 16;

/** The pieces of a location description. Throws FormatError, LookupError, FaultError. */
export function evaluateLocation(expression: Uint8Array, context: ExpressionContext): readonly Piece[] {
  const machine = new Machine(context);
  machine.run(expression, 0);
  return machine.pieces();
}

/** The value an expression leaves on its stack. @param initial what lies on the stack at the start */
export function evaluateValue(
  expression: Uint8Array,
  context: ExpressionContext,
  initial: readonly bigint[] = [],
): bigint {
  const machine = new Machine(context, initial);
  machine.run(expression, 0);
  return machine.value();
}

class Machine {
  readonly #context: ExpressionContext;
  readonly #stack: StackEntry[];
  readonly #location = new LocationDescription();
  #steps = 0;

  constructor(context: ExpressionContext, initial: readonly bigint[] = []) {
    this.#context = context;
    this.#stack = initial.map((value) => entryOf(value));
  }

  pieces(): readonly Piece[] {
    return this.#location.whole(this.#stack.at(-1));
  }

  value(): bigint {
    const { current } = this.#location;
    return current.kind === 'register' ? this.#register(current.register) : this.#top().bits;
  }

  run(expression: Uint8Array, depth: number): void {
    if (depth > DEEPEST_CALL) throw new FormatError('DWARF expression', 'calls itself without end');
    const operands = new Operands(expression);
    while (!operands.atEnd) {
      if (++this.#steps > MOST_STEPS) throw new FormatError('DWARF expression', 'does not end');
      this.#step(operands, depth);
    }
  }

  #step(operands: Operands, depth: number): void {
    const operation = operands.u8();
    const { offsetSize = 4 } = this.#context;
    const push = (value: bigint): void => {
      this.#stack.push(entryOf(value));
    };

    const constant = constantOf(operation, operands);
    if (constant !== undefined) push(constant);
    else if (operation >= O.DW_OP_reg0 && operation <= O.DW_OP_reg31)
      this.#location.current = { kind: 'register', register: operation - O.DW_OP_reg0 };
    else if (operation >= O.DW_OP_breg0 && operation <= O.DW_OP_breg31)
      push(this.#register(operation - O.DW_OP_breg0) + operands.big(true));
    else {
      switch (operation) {
        case O.DW_OP_addr:
          push(this.#relocated(operands.fixed(8, false)));
          break;
        case O.DW_OP_addrx:
        case O.DW_OP_GNU_addr_index:
          push(this.#relocated(this.#indexed(operands.uleb())));
          break;
        case O.DW_OP_constx:
        case O.DW_OP_GNU_const_index:
          push(this.#indexed(operands.uleb()));
          break;
        case O.DW_OP_regx:
          this.#location.current = { kind: 'register', register: operands.uleb() };
          break;
        case O.DW_OP_bregx: {
          const register = operands.uleb();
          push(this.#register(register) + operands.big(true));
          break;
        }
        case O.DW_OP_fbreg:
          push(this.#known(this.#context.frameBase, 'frame base') + operands.big(true));
          break;
        case O.DW_OP_call_frame_cfa:
          push(this.#known(this.#context.cfa, 'canonical frame address'));
          break;
        case O.DW_OP_deref:
          this.#stack.push(this.#read(genericType));
          break;
        case O.DW_OP_deref_size:
          this.#stack.push(entryOf(this.#read({ ...genericType, size: operands.u8() }).bits));
          break;
        case O.DW_OP_deref_type:
        case O.DW_OP_GNU_deref_type:
          operands.u8();
          this.#stack.push(this.#read(this.#type(operands.uleb())));
          break;
        case O.DW_OP_const_type:
        case O.DW_OP_GNU_const_type: {
          const type = this.#type(operands.uleb());
          const constant = operands.block(operands.u8());
          this.#stack.push(entryOf(integerAt(constant, 0, constant.length), type));
          break;
        }
        case O.DW_OP_regval_type:
        case O.DW_OP_GNU_regval_type: {
          const register = operands.uleb();
          this.#stack.push(entryOf(this.#register(register), this.#type(operands.uleb())));
          break;
        }
        case O.DW_OP_convert:
        case O.DW_OP_GNU_convert:
          this.#stack.push(converted(this.#pop(), this.#type(operands.uleb())));
          break;
        case O.DW_OP_reinterpret:
        case O.DW_OP_GNU_reinterpret:
          this.#stack.push(reinterpreted(this.#pop(), this.#type(operands.uleb())));
          break;
        case O.DW_OP_dup:
          this.#stack.push(this.#top());
          break;
        case O.DW_OP_drop:
          this.#pop();
          break;
        case O.DW_OP_over:
          this.#stack.push(this.#nth(1));
          break;
        case O.DW_OP_pick:
          this.#stack.push(this.#nth(operands.u8()));
          break;
        case O.DW_OP_swap: {
          const [a, b] = [this.#pop(), this.#pop()];
          this.#stack.push(a, b);
          break;
        }
        case O.DW_OP_rot: {
          const [first, second, third] = [this.#pop(), this.#pop(), this.#pop()];
          this.#stack.push(first, third, second);
          break;
        }
        case O.DW_OP_plus_uconst:
          this.#plusConstant(operands.big(false));
          break;
        case O.DW_OP_skip:
          operands.jump(true);
          break;
        case O.DW_OP_bra:
          operands.jump(this.#pop().bits !== 0n);
          break;
        case O.DW_OP_nop:
        case O.DW_OP_GNU_uninit:
          break;
        case O.DW_OP_call2:
        case O.DW_OP_call4:
        case O.DW_OP_call_ref: {
          const size = operation === O.DW_OP_call2 ? 2 : operation === O.DW_OP_call4 ? 4 : offsetSize;
          const called = this.#context.called?.(
            Number(operands.fixed(size, false)),
            operation === O.DW_OP_call_ref ? 'section' : 'unit',
          );
          if (called !== undefined) this.run(called, depth + 1);
          break;
        }
        case O.DW_OP_entry_value:
        case O.DW_OP_GNU_entry_value: {
          const inner = operands.block(operands.uleb());
          if (this.#context.entryValue === undefined) throw new LookupError('value', 'at the entry of the function');
          push(this.#context.entryValue(inner));
          break;
        }
        case O.DW_OP_GNU_parameter_ref: {
          const offset = Number(operands.fixed(4, false));
          if (this.#context.parameter === undefined) throw new LookupError('argument', 'that the caller passed');
          push(this.#context.parameter(offset));
          break;
        }
        case O.DW_OP_GNU_variable_value: {
          const offset = Number(operands.fixed(offsetSize, false));
          if (this.#context.variableValue === undefined) throw new LookupError('variable', `at ${offset}`);
          push(this.#context.variableValue(offset));
          break;
        }
        case O.DW_OP_stack_value:
          this.#location.current = { kind: 'value' };
          break;
        case O.DW_OP_implicit_value:
          this.#location.current = { kind: 'bytes', bytes: operands.block(operands.uleb()) };
          break;
        case O.DW_OP_implicit_pointer:
        case O.DW_OP_GNU_implicit_pointer: {
          const entry = Number(operands.fixed(offsetSize, false));
          this.#location.current = { kind: 'implicit-pointer', entry, offset: operands.sleb() };
          break;
        }
        case O.DW_OP_piece:
          this.#endPiece(operands.uleb() * 8, 0);
          break;
        case O.DW_OP_bit_piece: {
          const bits = operands.uleb();
          this.#endPiece(bits, operands.uleb());
          break;
        }
        default:
          this.#stack.push(computed(operation, () => this.#pop()));
      }
    }
  }

  #plusConstant(constant: bigint): void {
    const base = this.#pop();
    this.#stack.push(binary('plus', base, entryOf(constant, base.type)));
  }

  #endPiece(bits: number, bitOffset: number): void {
    this.#location.endPiece(this.#stack.at(-1), bits, bitOffset);
    this.#stack.length = 0;
  }

  #register(number: number): bigint {
    const value = this.#context.register(number);
    if (value === undefined) throw new LookupError('value of', `${this.#context.registerName(number)} in this frame`);
    return value;
  }

  #known(get: (() => bigint | undefined) | undefined, what: string): bigint {
    const value = get?.();
    if (value === undefined) throw new LookupError(what, 'of this frame');
    return value;
  }

  #relocated(address: bigint): bigint {
    return this.#context.relocated?.(address) ?? address;
  }

  #indexed(index: number): bigint {
    if (this.#context.indexedAddress === undefined) throw new LookupError('indexed address', String(index));
    return this.#context.indexedAddress(index);
  }

  #type(unitOffset: number): StackType {
    if (unitOffset === 0) return genericType;
    if (this.#context.baseType === undefined) throw new LookupError('base type', `at ${unitOffset}`);
    const type = this.#context.baseType(unitOffset);
    if (!(type.size > 0 && type.size <= LARGEST_CONSTANT))
      throw new FormatError('DWARF expression', `has a type of ${type.size} bytes`);
    return type;
  }

  #read(type: StackType): StackEntry {
    const address = virtAddr(this.#pop().bits);
    this.#context.onRead?.();
    const bytes = this.#context.memory.bytes(address, Math.min(type.size, LARGEST_CONSTANT));
    return entryOf(integerAt(bytes, 0, bytes.length), type);
  }

  #top(): StackEntry {
    return this.#nth(0);
  }

  #nth(index: number): StackEntry {
    const entry = this.#stack[this.#stack.length - 1 - index];
    if (entry === undefined) throw new FormatError('DWARF expression', 'takes more from its stack than there is');
    return entry;
  }

  #pop(): StackEntry {
    const entry = this.#top();
    this.#stack.pop();
    return entry;
  }
}
