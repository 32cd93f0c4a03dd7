/**
 * A Vite plugin for the test run: every loop and every function of the engine counts its steps, so that a test can
 * give code under damage a budget (steps.ts). Wall time would tell about the machine; bytes read say nothing of a loop
 * that reads none.
 */

import type { Plugin } from 'vite';

/** What is asked of a node of the syntax tree (ESTree). */
interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

const loops = new Set(['ForStatement', 'ForInStatement', 'ForOfStatement', 'WhileStatement', 'DoWhileStatement']);
const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

const prologue =
  'const $steps = globalThis.vmscopeSteps; const $step = () => { throw new Error("step budget used up"); };';
const step = '--$steps[0] < 0 && $step()';

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The bodies of all loops and functions under a node. */
function* bodiesIn(node: SyntaxNode): Generator<SyntaxNode> {
  for (const [name, child] of Object.entries(node)) {
    for (const each of Array.isArray(child) ? (child as readonly unknown[]) : [child]) {
      if (!isNode(each)) continue;
      if (name === 'body' && (loops.has(node.type) || functions.has(node.type))) yield each;
      yield* bodiesIn(each);
    }
  }
}

/** The text that is put before and behind a body. */
function additions(body: SyntaxNode): readonly (readonly [at: number, text: string])[] {
  if (body.type === 'BlockStatement') return [[body.start + 1, `${step};`]];
  const isStatement = body.type.endsWith('Statement');
  return isStatement
    ? [
        [body.start, `{${step};`],
        [body.end, '}'],
      ]
    : [
        [body.start, `(${step}, `],
        [body.end, ')'],
      ];
}

export function countSteps(): Plugin {
  return {
    name: 'count-steps',
    enforce: 'post',
    transform(code, id) {
      if (!/\/src\/(?!faces\/).*\.ts$/.test(id) || id.endsWith('.test.ts')) return null;
      const found = [...bodiesIn(this.parse(code))].flatMap(additions).toSorted(([a], [b]) => a - b);
      let counted = prologue;
      let done = 0;
      for (const [at, text] of found) {
        counted += code.slice(done, at) + text;
        done = at;
      }
      return { code: counted + code.slice(done), map: null };
    },
  };
}
