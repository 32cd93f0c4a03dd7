/**
 * Seeded random expressions. Token soup may only end in an answer or an error for the user; constant expressions have
 * the values and sizes that GCC gives them.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { objects } from '../../test/builders/objects.ts';
import { below, randomFrom, seeds, survives, type Random } from '../../test/builders/mutate.ts';
import { UsageError } from '../base/errors.ts';
import { sizeOf } from '../debuginfo/types/type.ts';
import { GlobalScope } from '../kernel/global-scope.ts';
import { valueTree } from '../query/value-tree.ts';
import { renderExpression } from '../render/text/expression.ts';
import { expressionValue } from '../query/expression.ts';
import { scalarOf } from '../values/value.ts';
import { evaluateText } from './evaluate.ts';
import { typeOfText } from './type-of.ts';

const { session } = objects();
const { kernel } = session;
const scope = new GlobalScope(kernel);

function pick<T>(random: Random, among: readonly T[]): T {
  return among[below(random, among.length)] as T;
}

const tokens = [
  '1', '0', '0x10', '077', '1U', '-1L', "'a'", '0xffffffffffffffff', '2147483648', '99999999999999999999',
  'a_thing', 'do_thing', 'things', 'FLAG_A', 'FLAG_TOP', 'GONE', 'nosuch', '$', '$1', 'id', 'self', 'grid', 'low', 'first', 'rest', 'later', 'm3', 'deep',
  '(thing_t *)', '(struct thing *)', '&a_thing', '(int)', '(char)', '(bool)', '(unsigned long)', '(struct vast *)', '(struct nest)', '(void *)', '(enum flags)', '(int (*)[4])', '(endless_t)', '(struct odd *)', '(struct astray *)', '(__int128)', '(double)',
  'sizeof', 'offsetof(struct thing, ', 'container_of(', 'per_cpu(', '{int}', '{thing_t}', '{', '}',
  '+', '-', '*', '/', '%', '<<', '>>', '<', '<=', '==', '!=', '&', '|', '^', '&&', '||', '!', '~', '?', ':', ',', '.', '->', '(', ')', '[', ']', '@', '=', '++', ';', '"', '`',
]; // prettier-ignore

/** An expression that mostly means something: a pointer to a thing, and what can be done with it. */
function plausible(random: Random, depth: number): string {
  const inner = (): string => plausible(random, depth - 1);
  if (depth <= 0) return pick(random, ['1', '-3', '0x40UL', 'FLAG_TOP', '((thing_t *)&a_thing)->id', '*(thing_t *)&a_thing', 'GONE', "'x'"]); // prettier-ignore
  switch (below(random, 9)) {
    case 0:
      return `(${inner()}) ${pick(random, ['+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>', '<', '==', ',', '&&'])} (${inner()})`;
    case 1:
      return `(${inner()}).${pick(random, ['id', 'self', 'grid', 'low', 'first', 'points', 'rest', 'huge', 'call'])}`;
    case 2:
      return `(${inner()})[${inner()}]`;
    case 3:
      return `&(${inner()})`;
    case 4:
      return `*(${inner()})`;
    case 5:
      return `(${inner()}) ? (${inner()}) : (${inner()})`;
    case 6:
      return `sizeof(${inner()})`;
    case 7:
      return `(${pick(random, ['thing_t *', 'char', 'struct vast *', 'int *', 'bool', 'struct matryoshka *', 'char (*)[1000000000]'])})(${inner()})`;
    default:
      return `(${inner()})@${1 + below(random, 1 << 20)}`;
  }
}

function whole(text: string): void {
  const value = evaluateText(text, scope);
  const shown = expressionValue(kernel, kernel.memory, value, { subject: undefined, number: 1, radix: 10 });
  for (const line of renderExpression(shown)) expect(line).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/); // oxlint-disable-line no-control-regex -- these are what is looked for
  valueTree(kernel, value);
}

describe('anything that is typed', () => {
  it('ends in an answer or an error for the user', () => {
    for (const seed of seeds(2500)) {
      const random = randomFrom(seed);
      const text = Array.from({ length: 1 + below(random, 12) }, () => pick(random, tokens)).join(
        pick(random, ['', ' ']),
      );
      survives(seed, () => whole(text));
      survives(seed, () => typeOfText(text, scope));
    }
  });

  it('that means something, too; and its type is known without its value', () => {
    let answers = 0;
    for (const seed of seeds(800)) {
      const text = plausible(randomFrom(seed), 3);
      survives(seed, () => whole(text));
      survives(seed, () => {
        const value = evaluateText(text, scope);
        answers++;
        expect(sizeOf(typeOfText(text, scope)), `${seed}: ${text}`).toBe(sizeOf(value.type));
      });
    }
    expect(answers).toBeGreaterThan(80);
  });
});

const literals = ['0', '1', '2', '7', '13', '0x7f', '0x80', '255', '0x7fffffff', '0x80000000', '0xffffffff', '2147483648', '1U', '3U', '0xffffffffU', '1L', '5UL', '0x7fffffffffffffff', '0xffffffffffffffff', "'a'", "'\\n'", '010', '0x123456789UL']; // prettier-ignore
const types = ['char', 'signed char', 'unsigned char', 'short', 'unsigned short', 'int', 'unsigned', 'long', 'unsigned long', 'long long', 'unsigned long long', '_Bool', 'short unsigned int']; // prettier-ignore

/** A constant expression in C without undefined behaviour, but for overflow, which GCC is told to wrap. */
function constantExpression(random: Random, depth: number): string {
  if (depth === 0) return pick(random, literals);
  const inner = (): string => `(${constantExpression(random, depth - 1 - below(random, Math.min(2, depth)))})`;
  switch (below(random, 8)) {
    case 0:
    case 1:
      return `${inner()} ${pick(random, ['+', '-', '*', '&', '|', '^'])} ${inner()}`;
    case 2:
      return `${inner()} ${pick(random, ['<', '<=', '>', '>=', '==', '!=', '&&', '||'])} ${inner()}`;
    case 3:
      return `${inner()} ${pick(random, ['<<', '>>'])} ${below(random, 31)}`;
    case 4:
      return `${inner()} ${pick(random, ['/', '%'])} ${pick(random, ['1', '3', '7U', '0x100000000', '-3', '-7L'])}`;
    case 5:
      return `${pick(random, ['-', '+', '~', '!'])}${inner()}`;
    case 6:
      return `(${pick(random, types)})${inner()}`;
    default:
      return `${inner()} ? ${inner()} : ${inner()}`;
  }
}

describe('constant expressions', () => {
  it('have the values and sizes that GCC gives them', () => {
    const random = randomFrom(20_261_125);
    const texts = Array.from({ length: 600 }, () => constantExpression(random, 1 + below(random, 4)));
    const folder = mkdtempSync(join(tmpdir(), 'vmscope-c-'));
    try {
      // A char constant is an int in C and a char to GDB: of that size it is shown.
      const rows = texts.map(
        (text) =>
          `  show((unsigned long)(${text}), sizeof(${text}), (__typeof__(${text}))-1 < (__typeof__(${text}))1);`,
      );
      writeFileSync(
        join(folder, 'a.c'),
        `#include <stdio.h>\nstatic void show(unsigned long v, unsigned long s, int n) { printf("%lx %lu %d\\n", v, s, n); }\nint main(void) {\n${rows.join('\n')}\n  return 0;\n}\n`,
      );
      execFileSync('gcc', ['-std=gnu17', '-w', '-O0', '-fwrapv', '-o', join(folder, 'a'), join(folder, 'a.c')]);
      const lines = execFileSync(join(folder, 'a'), { encoding: 'utf8' }).trim().split('\n');
      expect(lines).toHaveLength(texts.length);
      for (const [index, text] of texts.entries()) {
        const value = evaluateText(text, scope);
        const integer = scalarOf(value);
        const isCharacter = text.startsWith("'");
        const size = isCharacter ? 4 : sizeOf(value.type);
        const bare = value.type.kind === 'int' && value.type.signed ? 1 : 0;
        expect(`${text}: ${BigInt.asUintN(64, integer).toString(16)} ${size} ${bare}`).toBe(`${text}: ${lines[index]}`);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that C leaves undefined are refused', () => {
    for (const text of ['1 / 0', '1 % 0', '1 << 32', '1 >> -1', '1UL << 64'])
      expect(() => evaluateText(text, scope)).toThrow(UsageError);
  });
});
