/** Where a value is from: a step a line, what was set before what by what, under the frame whose function did it. */

import { hex } from '../../base/addr.ts';
import type {
  OriginInstruction,
  OriginList,
  OriginReport,
  OriginRow,
  OriginStop,
  OriginValue,
} from '../../query/origin-report.ts';
import { frameLine, inlinedLine } from './backtrace.ts';
import { escapeLine } from './escape.ts';
import { wordText } from './words.ts';

/** Columns of what a step is about, before the arrow. */
const SUBJECT_WIDTH = 26;

export function* renderOrigin(report: OriginReport): Generator<string> {
  const { frame, inlined, expression, origin } = report;
  yield frameLine(frame, 'none');
  const call = frame.inlined.find(({ number }) => number === inlined);
  if (call !== undefined) yield inlinedLine(frame.number, call, true);
  if (expression !== undefined) {
    const value = expression.value === undefined ? '(not known)' : `0x${hex(expression.value)}`;
    yield `    ${escapeLine(`${expression.text} = (${expression.type}) ${value}: ${expression.place}`)}`;
    if (expression.through !== undefined) yield `    ${escapeLine(expression.through)}:`;
  }
  if (origin === undefined) return;
  yield* listLines(origin, report, frame.number, 4);
  for (const note of new Set(notesOf(origin))) yield `    (~ ${escapeLine(note)})`;
}

function* listLines(list: OriginList, report: OriginReport, from: number, indent: number): Generator<string> {
  const margin = ' '.repeat(indent);
  let current = from;
  for (const row of list.rows) {
    if (row.frame !== current) {
      const frame = report.frames.find(({ number }) => number === row.frame);
      if (frame !== undefined && indent === 4) yield frameLine(frame, 'none');
      current = row.frame;
    }
    yield* rowLines(row, margin);
    for (const other of row.others) yield* listLines(other, report, current, indent + 4);
  }
  const { last, stop } = list;
  const [text, ...more] = stopText(stop);
  if (last === undefined) yield `${margin}ends: ${escapeLine(text ?? '')}`;
  else {
    const variable = last.variable === undefined ? '' : `${last.variable}: `;
    yield `${margin}${subjectText(last.subject, last.value).padEnd(SUBJECT_WIDTH)} <- ${escapeLine(`${variable}${text}`)}`;
  }
  for (const line of more) yield `${margin}${' '.repeat(SUBJECT_WIDTH)}    ${escapeLine(line)}`;
}

function* rowLines(row: OriginRow, margin: string): Generator<string> {
  const { value, cause, writers } = row;
  const arrow = row.notes.length === 0 ? '<-' : '<~';
  yield `${margin}${subjectText(row.subject, value).padEnd(SUBJECT_WIDTH)} ${arrow} ${escapeLine(causeText(row))}`;
  const below = `${margin}${' '.repeat(SUBJECT_WIDTH)}    `;
  if (cause.kind === 'loaded' && cause.address !== undefined)
    yield `${below}${memoryText(row, cause.address, cause.now)}`;
  for (const { store, constant } of writers) {
    const from = constant === undefined ? '' : `, of ${constant.text}  (${placeText(constant)})`;
    yield `${below}${escapeLine(`~ written by ${store.text}  (${placeText(store)})${from}`)}`;
  }
}

/** What set it, what the source calls that, and where it stands. */
function causeText({ cause, instruction, expression, variable }: OriginRow): string {
  const place = placeText(instruction);
  switch (cause.kind) {
    case 'computed':
    case 'loaded':
    case 'reloaded': {
      const names = [...new Set([variable, expression])].filter((name) => name !== undefined);
      const called = names.length === 0 ? '' : `  ${names.join(' = ')}`;
      return `${codeText(instruction)}${called}  (${place})`;
    }
    case 'handed': {
      const how = instruction.text.startsWith('call') ? 'called' : 'jumped to';
      const { functionName, parameter } = cause;
      return parameter === undefined
        ? `as ${functionName} found it  (${how} at ${place})`
        : `argument ${parameter} of ${functionName}  (${how} at ${place})`;
    }
    case 'interrupted':
      return `${cause.register} of the code that was interrupted  (${place})`;
  }
}

function memoryText({ value, isStale }: OriginRow, address: bigint, now: bigint | undefined): string {
  const place = `memory at ${hex(address)}`;
  if (now === undefined) return `${place} cannot be read`;
  const holds = `${place} holds 0x${hex(now)} now`;
  if (isStale) return `${holds}: it has changed since it was read`;
  if (value === undefined || value.provenance.kind === 'inferred')
    return `${holds}; it may have changed since it was read`;
  return value.value === now ? `${place} still holds 0x${hex(now)}` : `${holds}: it has changed since it was read`;
}

function subjectText(subject: string, value: OriginValue | undefined): string {
  if (value === undefined) return `${subject} = ?`;
  const mark = value.provenance.kind === 'inferred' ? '~' : '';
  const label =
    value.target === undefined || value.target.kind === 'page' ? '' : ` ${wordText(value.target, 1).trim()}`;
  const text = value.text === undefined ? '' : ` ${JSON.stringify(value.text)}`;
  const poison = value.poison === undefined ? '' : ` (poison: ${value.poison})`;
  return `${subject} = ${mark}0x${hex(value.value)}${escapeLine(`${label}${text}${poison}`)}`;
}

function codeText({ text, target }: OriginInstruction): string {
  return target === undefined ? text : `${text} <${target}>`;
}

function placeText({ functionName, offset, source }: OriginInstruction): string {
  return `${functionName}+${offset}${source === undefined ? '' : `, ${source.file}: ${source.line}`}`;
}

function stopText(stop: OriginStop): string[] {
  switch (stop.kind) {
    case 'constant':
      return ['a constant'];
    case 'variable': {
      const place = stop.perCpu ? `offset ${hex(stop.address)} of the per-CPU area` : `memory at ${hex(stop.address)}`;
      return [stop.name === undefined ? place : `${stop.name}, ${place}`];
    }
    case 'result':
      return [
        `returned by ${stop.functionName ?? 'a function called by pointer'}  (called at ${placeText(stop.call)})`,
      ];
    case 'user':
      return [`${stop.register} of user mode, when the kernel was entered`];
    case 'stack':
      return ['the stack pointer: an address on the stack'];
    case 'loop':
      return ['it leads back to itself: a loop'];
    case 'contradiction':
      return [`it is known to be 0x${hex(stop.known)}: one of the steps before is wrong`];
    case 'unknown':
      return [`not known: ${stop.why}`];
    case 'several': {
      const lines = stop.candidates.map(({ instruction, taken, value }) => {
        const side = taken === undefined ? '' : `: ${taken}`;
        const given =
          value === undefined ? '' : `  = ${value.provenance.kind === 'inferred' ? '~' : ''}0x${hex(value.value)}`;
        return instruction === undefined
          ? `what the function was handed${given}`
          : `${codeText(instruction)}${side}${given}  (${placeText(instruction)})`;
      });
      return [
        stop.inLoop ? 'it changes in a loop, by one of these:' : 'one of these, and nothing tells which:',
        ...lines,
      ];
    }
  }
}

function* notesOf({ rows, last }: OriginList): Generator<string> {
  for (const row of rows) {
    yield* row.notes;
    if (row.value?.provenance.kind === 'inferred') yield* row.value.provenance.how.split('; ');
    for (const other of row.others) yield* notesOf(other);
  }
  if (last?.value?.provenance.kind === 'inferred') yield* last.value.provenance.how.split('; ');
}
