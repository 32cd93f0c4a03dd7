/** Types and declarations as gdb spells them. */

import { describe, expect, it } from 'vitest';
import { declare, typeName } from './declaration.ts';
import type { FunctionType, IntType, PointerType, QualifiedType, Type } from './type.ts';

const int: IntType = { kind: 'int', name: 'int', size: 4, signed: true, encoding: 'integer' };
const char: IntType = { kind: 'int', name: 'char', size: 1, signed: true, encoding: 'char' };
const ulong: IntType = { kind: 'int', name: 'long unsigned int', size: 8, signed: false, encoding: 'integer' };
const file: Type = { kind: 'struct', name: 'file', size: 8, complete: true, members: [] };
const nameless: Type = { ...file, kind: 'union', name: undefined };
const to = (target: Type): PointerType => ({ kind: 'pointer', size: 8, target });
const array = (element: Type, count?: number): Type => ({ kind: 'array', element, count });
const is = (qualifier: QualifiedType['qualifier'], target: Type): Type => ({ kind: 'qualified', qualifier, target });
const call = (returns: Type, ...parameters: Type[]): FunctionType => ({
  kind: 'function',
  returns,
  parameters: parameters.map((type) => ({ name: undefined, type })),
  variadic: false,
});

describe('declarations', () => {
  it.each<[Type, string]>([
    [int, 'int x'],
    [ulong, 'unsigned long x'],
    [to(file), 'struct file *x'],
    [to(to(char)), 'char **x'],
    [array(char, 16), 'char x[16]'],
    [array(array(int, 3), 2), 'int x[2][3]'],
    [array(int), 'int x[]'],
    [array(to(file), 4), 'struct file *x[4]'],
    [to(array(int, 4)), 'int (*x)[4]'],
    [to(is('const', array(int, 4))), 'int (*x)[4]'],
    [to(call(int, to(file), ulong)), 'int (*x)(struct file *, unsigned long)'],
    [to(call({ kind: 'void' })), 'void (*x)(void)'],
    [call(int, to(call(int, int))), 'int x(int (*)(int))'],
    [to(call(to(call(int)))), 'int (*(*x)(void))(void)'],
    [array(to(call(int)), 3), 'int (*x[3])(void)'],
    [{ ...call(int, to(is('const', char))), variadic: true }, 'int x(const char *, ...)'],
    [to(is('const', char)), 'const char *x'],
    [is('const', to(char)), 'char * const x'],
    [is('const', is('volatile', to(char))), 'char * const volatile x'],
    [to(is('const', is('volatile', int))), 'const volatile int *x'],
    [is('atomic', int), '_Atomic int x'],
    [nameless, 'union {...} x'],
    [to(nameless), 'union {...} *x'],
    [{ kind: 'enum', name: 'color', size: 4, signed: false, enumerators: [] }, 'enum color x'],
    [{ kind: 'typedef', name: 'pid_t', target: int }, 'pid_t x'],
  ])('%#: %s', (type, text) => {
    expect(declare(type, 'x')).toBe(text);
  });

  it('without a name are types', () => {
    expect([to(file), array(to(int), 2), to(call(int)), is('const', to(char))].map(typeName)).toEqual([
      'struct file *', 'int *[2]', 'int (*)(void)', 'char * const',
    ]); // prettier-ignore
  });
});

describe('types that hold themselves', () => {
  it('end', () => {
    const loop = { kind: 'pointer', size: 8 } as { target: Type } & PointerType;
    loop.target = loop;
    expect(typeName(loop)).toMatch(/^\.\.\. \*+$/);
    const many = call(int) as { parameters: unknown } & FunctionType;
    many.parameters = Array.from({ length: 40 }, () => ({ name: undefined, type: to(many) }));
    expect(typeName(many).length).toBeLessThan(100_000);
    const endless = { kind: 'qualified', qualifier: 'const' } as { target: Type } & QualifiedType;
    endless.target = endless;
    expect(typeName(endless).length).toBeLessThan(10_000);
  });
});
