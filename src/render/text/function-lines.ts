/** `faddr2line` in the layout of the kernel's scripts/faddr2line, with a line that says which address was looked up. */

import { hex } from '../../base/addr.ts';
import type { FunctionCandidate, FunctionLines, LinesAt } from '../../query/function-lines.ts';
import { escapeLine } from './escape.ts';

export function* renderFunctionLines({ asked, candidates, note }: FunctionLines): Generator<string> {
  if (note !== undefined) yield `(${escapeLine(note)})`;
  for (const candidate of candidates) {
    const size = `0x${hex(candidate.size)}`;
    const module = candidate.module === undefined ? '' : ` [${escapeLine(candidate.module)}]`;
    const which = candidates.length > 1 || note !== undefined ? ` at ${hex(candidate.start, 16)}` : '';
    yield `${escapeLine(asked.name)}+0x${hex(asked.offset)}/${size}${module}${which}:`;
    yield* renderCandidate(candidate);
    yield '';
  }
}

function* renderCandidate({ lines, why, name }: FunctionCandidate): Generator<string> {
  const [first, second] = lines;
  if (first !== undefined && second !== undefined && keyOf(first) === keyOf(second)) {
    const place = (found: LinesAt): string => `${escapeLine(name)}+0x${hex(found.offset)}`;
    yield `(lines of ${place(first)} and of ${place(second)}, which are the same: ${why})`;
    yield* renderFrames(first);
    return;
  }
  for (const found of lines) {
    const place = `${escapeLine(name)}+0x${hex(found.offset)}`;
    yield `(${lines.length > 1 ? `if it is ${found.lookUp === 'call' ? 'a return address' : 'an instruction pointer'}: ` : ''}lines of ${place}: ${why})`;
    yield* renderFrames(found);
  }
}

function* renderFrames({ frames, missing }: LinesAt): Generator<string> {
  if (missing !== undefined) yield `?? at ??:0 (${escapeLine(missing)})`;
  for (const [index, { functionName, source }] of frames.entries()) {
    const place = source === undefined ? '??:0' : `${escapeLine(source.file)}:${source.line}`;
    yield `${index === 0 ? '' : ' (inlined by) '}${escapeLine(functionName ?? '??')} at ${place}`;
  }
}

function keyOf({ frames, missing }: LinesAt): string {
  const places = frames.map(({ functionName, source }) => `${functionName} ${source?.file}:${source?.line}`);
  return [missing, ...places].join('\n');
}
