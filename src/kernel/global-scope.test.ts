/** Names outside of frames: per-CPU variables of CPUs that there are, variables without a type. */

import { expect, it } from 'vitest';
import { SlabBuilder } from '../../test/builders/slab.ts';
import { evaluateText } from '../expr/evaluate.ts';
import { scalarOf } from '../values/value.ts';
import { GlobalScope } from './global-scope.ts';

/** Two CPUs; of the variable each has its own at 0 and at 0x1000 from the heap's start. */
function scope(): { scope: GlobalScope; start: bigint } {
  const builder = new SlabBuilder();
  const { kernel } = builder;
  const area = kernel.allocate(0x3000);
  const { types } = kernel;
  const counter = types.variable('counter', types.int('int', 4, { signed: true }));
  types.section('.data..percpu', [{ id: counter, offset: 8, size: 4 }]);
  kernel.symbol('__per_cpu_start', area).symbol('__per_cpu_end', area + 0x100n);
  kernel.symbol('counter', area + 8n);
  kernel
    .u32(area + 8n, 40)
    .u32(area + 0x1008n, 41)
    .u32(area + 0x2008n, 99);
  kernel.variable('riddle', 8);
  return { scope: new GlobalScope(kernel.build()), start: area };
}

it('of each CPU there is one, and of no other', () => {
  const { scope: names } = scope();
  expect(scalarOf(evaluateText('per_cpu(counter, 0) + counter:1', names))).toBe(81n);
  expect(() => evaluateText('per_cpu(counter, 2)', names)).toThrow('there is no CPU 2 in this dump (0, 1)');
  expect(() => evaluateText('counter:77', names)).toThrow('there is no CPU 77 in this dump (0, 1)');
  expect(() => evaluateText('counter', names)).toThrow('say of which CPU, as in counter:0');
  expect(() => evaluateText('&counter', names)).toThrow('say of which CPU');
});

it('without a type have an address', () => {
  const { scope: names } = scope();
  expect(names.isVariable('riddle')).toBe(true);
  expect(scalarOf(evaluateText('&riddle', names))).toBe(names.untyped('riddle'));
  expect(scalarOf(evaluateText('*(int *)&riddle', names))).toBe(0n);
  expect(names.untyped('nosuch')).toBeUndefined();
  expect(() => evaluateText('riddle + 1', names)).toThrow('a cast can give it one: *(int *)&riddle');
  expect(() => evaluateText('ridle', names)).toThrow('symbol not found: ridle; did you mean riddle?');
});
