/** The arguments and locals of a frame as data: what `bt -V`, `args` and `locals` show. */

import { virtAddr } from '../base/addr.ts';
import { declare } from '../debuginfo/types/declaration.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Absence } from '../unwind/variable-parts.ts';
import type { FrameScope, FrameVariable } from '../unwind/variables.ts';
import type { Provenance } from '../values/provenance.ts';
import type { Value } from '../values/value.ts';
import { unavailableNode, valueTree, type ValueNode } from './value-tree.ts';
import { describeWord, type WordLabel } from './word-label.ts';

export interface VariableRow {
  readonly name: string;
  readonly argument: boolean;
  /** `struct nfs_page *req`. */
  readonly declaration: string;
  readonly value: ValueNode;
  /** Of a pointer: the slab object or page it leads to. */
  readonly target: WordLabel | undefined;
  readonly provenance: Provenance;
  /** Of what has no value. */
  readonly absence: Absence | undefined;
}

/** The variables of one function of a frame. */
export interface ScopeVariables {
  /** 0 for the function itself, from 1 for what was expanded in it. */
  readonly inlined: number;
  readonly functionName: string | undefined;
  readonly variables: readonly VariableRow[];
}

/** @param strict whether values that are not proved are left out */
export function scopeVariables(kernel: Kernel, scope: FrameScope, strict: boolean): ScopeVariables {
  const { inlined, functionName, variables } = scope;
  return { inlined, functionName, variables: variables.map((variable) => variableRow(kernel, variable, strict)) };
}

export function variableRow(kernel: Kernel, variable: FrameVariable, strict: boolean): VariableRow {
  const { name, argument, type, value, absent } = variable;
  const head = { name, argument, declaration: declare(type, name) };
  if (value === undefined || absent !== undefined) return absentRow(head, absent ?? { kind: 'optimized-out', why: '' });
  if (strict && value.inferred !== undefined)
    return absentRow(head, { kind: 'lost', why: `not proved: ${value.inferred}` });
  const node = nodeOf(kernel, value);
  if (node.kind === 'unavailable') {
    const kind: Absence = /not in the dump|not mapped|excluded|corrupt/.test(node.unavailable) ? 'unreadable' : 'lost';
    return absentRow(head, { kind, why: node.unavailable });
  }
  return {
    ...head,
    value: node,
    target: targetOf(kernel, node),
    provenance: value.inferred === undefined ? { kind: 'known' } : { kind: 'inferred', how: value.inferred },
    absence: undefined,
  };
}

/** A pointer that the compiler did without is shown as what it would point at. */
function nodeOf(kernel: Kernel, value: Value): ValueNode {
  if (value.pointee === undefined) return withoutFarLabel(valueTree(kernel, value));
  try {
    return { kind: 'implicit-pointer', target: valueTree(kernel, value.pointee()) };
  } catch (error) {
    return unavailableNode(error);
  }
}

/** A literal has no symbol of its own: how far it lies behind another one says nothing beside its text. */
function withoutFarLabel(node: ValueNode): ValueNode {
  const isLiteral = node.kind === 'pointer' && node.text !== undefined && node.label?.includes('+') === true;
  return isLiteral ? { ...node, label: undefined } : node;
}

function absentRow(
  head: Pick<VariableRow, 'name' | 'argument' | 'declaration'>,
  { kind, why }: { readonly kind: Absence; readonly why: string },
): VariableRow {
  const text = kind === 'optimized-out' ? 'optimized out' : why;
  return {
    ...head,
    value: { kind: 'unavailable', unavailable: text },
    target: undefined,
    provenance: { kind: 'unavailable', why: text },
    absence: kind,
  };
}

function targetOf(kernel: Kernel, node: ValueNode): WordLabel | undefined {
  if (node.kind !== 'pointer' || node.label !== undefined || node.value === 0n) return undefined;
  const label = describeWord(kernel, virtAddr(node.value), 2);
  return label.kind === 'slab' ? label : undefined;
}
