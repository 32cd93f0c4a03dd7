/** C expressions as trees. Types are resolved when an expression is parsed, since a cast cannot be told otherwise. */

import type { Type } from '../debuginfo/types/type.ts';

export type Expression =
  | { readonly kind: 'integer'; readonly value: bigint; readonly type: Type }
  | { readonly kind: 'name'; readonly name: string }
  /** A per-CPU variable on one CPU: `runqueues:0`, `per_cpu(runqueues, 0)`. */
  | { readonly kind: 'per-cpu'; readonly name: string; readonly cpu: number }
  /** An earlier value: `$3` by its number, `$` (0) the last one, `$$2` (-2) as many before that. */
  | { readonly kind: 'history'; readonly number: number }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'conditional';
      readonly condition: Expression;
      readonly whenTrue: Expression;
      readonly whenFalse: Expression;
    }
  | { readonly kind: 'member'; readonly operand: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly operand: Expression; readonly index: Expression }
  | { readonly kind: 'cast'; readonly type: Type; readonly operand: Expression }
  /** GDB's `{type} address`. */
  | { readonly kind: 'object'; readonly type: Type; readonly address: Expression }
  | { readonly kind: 'size-of-type'; readonly type: Type }
  | { readonly kind: 'size-of'; readonly operand: Expression }
  | { readonly kind: 'offset-of'; readonly type: Type; readonly path: string }
  | {
      readonly kind: 'container-of';
      readonly pointer: Expression;
      readonly type: Type;
      readonly path: string;
    };

export type UnaryOperator = '*' | '&' | '-' | '+' | '!' | '~';

export type BinaryOperator =
  | '*' | '/' | '%' | '+' | '-' | '<<' | '>>' | '<' | '<=' | '>' | '>=' | '==' | '!=' | '&' | '^' | '|' | '&&' | '||'
  | ',' | '@'; // prettier-ignore
