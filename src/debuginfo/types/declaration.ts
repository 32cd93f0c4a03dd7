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

/** A type without a name beside it: `struct list_head *`. */
export function typeName(type: Type): string {
  return declare(type, '');
}

/** A declaration of `declarator`, a name or what already stands around one. An anonymous struct is `struct {...}`. */
export function declare(type: Type, declarator: string, depth = 0): string {
  if (depth > DEEPEST_DECLARATOR) return spaced('...', declarator);
  switch (type.kind) {
    case 'pointer':
      return declare(type.target, pointerTo(type.target, `*${declarator}`), depth + 1);
    case 'array':
      return declare(type.element, `${declarator}[${type.count ?? ''}]`, depth + 1);
    case 'function':
      return declare(type.returns, `${declarator}(${parametersOf(type, depth)})`, depth + 1);
    case 'qualified': {
      const inner = type.target;
      // The qualifier of an array is that of its elements, which debug information gives one already.
      if (inner.kind === 'array') return declare(inner, declarator, depth + 1);
      if (inner.kind === 'pointer') {
        const qualified = `* ${type.qualifier}${declarator === '' ? '' : ` ${declarator}`}`;
        return declare(inner.target, pointerTo(inner.target, qualified), depth + 1);
      }
      return `${type.qualifier === 'atomic' ? '_Atomic' : type.qualifier} ${declare(inner, declarator, depth + 1)}`;
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

/** What binds tighter than the star stands outside of parentheses. */
function pointerTo(target: Type, declarator: string): string {
  const bare = target.kind === 'qualified' ? target.target : target;
  return bare.kind === 'array' || bare.kind === 'function' ? `(${declarator})` : declarator;
}

function parametersOf(type: FunctionType, depth: number): string {
  const parameters = type.parameters.map((parameter) => declare(parameter.type, '', depth + 1));
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
