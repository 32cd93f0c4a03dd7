/** Types and declarations as C text: `struct list_head *next`, `int (*)(struct file *, loff_t)`, `char comm[16]`. */

import type { FunctionType, Type } from './type.ts';

/** DWARF and BTF spell the integer types as GCC does; kernel people write them short. */
const shortNames: Readonly<Record<string, string>> = {
  'long int': 'long',
  'long unsigned int': 'unsigned long',
  'long long int': 'long long',
  'long long unsigned int': 'unsigned long long',
  'short int': 'short',
  'short unsigned int': 'unsigned short',
  _Bool: 'bool',
};

const DEEPEST_DECLARATOR = 32;
/** The kernel's largest prototypes have some dozen parts; damaged types may refer to themselves without an end. */
const MOST_PARTS = 512;

interface Budget {
  parts: number;
}

/** A type without a name beside it: `struct list_head *`. */
export function typeName(type: Type): string {
  return declare(type, '');
}

/** A declaration of `declarator`, a name or what already stands around one. An anonymous struct is `struct {...}`. */
export function declare(type: Type, declarator: string): string {
  return write(type, declarator, 0, { parts: MOST_PARTS });
}

function write(type: Type, declarator: string, depth: number, budget: Budget): string {
  if (depth > DEEPEST_DECLARATOR || --budget.parts < 0) return spaced('...', declarator);
  switch (type.kind) {
    case 'pointer':
      return write(type.target, pointerTo(type.target, `*${declarator}`), depth + 1, budget);
    case 'array':
      return write(type.element, `${declarator}[${type.count ?? ''}]`, depth + 1, budget);
    case 'function':
      return write(type.returns, `${declarator}(${parametersOf(type, depth, budget)})`, depth + 1, budget);
    case 'qualified': {
      const { qualifiers, inner } = unqualified(type);
      // The qualifier of an array is that of its elements, which debug information gives one already.
      if (inner.kind === 'array') return write(inner, declarator, depth + 1, budget);
      if (inner.kind === 'pointer') {
        const qualified = `* ${qualifiers}${declarator === '' ? '' : ` ${declarator}`}`;
        return write(inner.target, pointerTo(inner.target, qualified), depth + 1, budget);
      }
      return `${qualifiers} ${write(inner, declarator, depth + 1, budget)}`;
    }
    case 'void':
    case 'int':
    case 'float':
    case 'struct':
    case 'union':
    case 'enum':
    case 'typedef':
      return spaced(baseName(type), declarator);
  }
}

/** A type without its qualifiers, and those, of which there may be several. */
function unqualified(type: Type): { qualifiers: string; inner: Type } {
  const words: string[] = [];
  let inner = type;
  for (let step = 0; step < DEEPEST_DECLARATOR && inner.kind === 'qualified'; step++) {
    words.push(inner.qualifier === 'atomic' ? '_Atomic' : inner.qualifier);
    inner = inner.target;
  }
  return { qualifiers: words.join(' '), inner };
}

/** What binds tighter than the star stands outside of parentheses. */
function pointerTo(target: Type, declarator: string): string {
  const { inner } = unqualified(target);
  return inner.kind === 'array' || inner.kind === 'function' ? `(${declarator})` : declarator;
}

function parametersOf(type: FunctionType, depth: number, budget: Budget): string {
  const parameters: string[] = [];
  for (const parameter of type.parameters) {
    parameters.push(write(parameter.type, '', depth + 1, budget));
    if (budget.parts < 0) break;
  }
  if (type.variadic) parameters.push('...');
  return parameters.length === 0 ? 'void' : parameters.join(', ');
}

function spaced(base: string, declarator: string): string {
  return declarator === '' ? base : `${base} ${declarator}`;
}

/** The name of what a declaration begins with. */
export function baseName(type: Exclude<Type, { kind: 'pointer' | 'array' | 'function' | 'qualified' }>): string {
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'int':
    case 'float':
      return shortNames[type.name] ?? type.name;
    case 'typedef':
      return type.name;
    case 'struct':
    case 'union':
    case 'enum':
      return `${type.kind} ${type.name ?? '{...}'}`;
  }
}
