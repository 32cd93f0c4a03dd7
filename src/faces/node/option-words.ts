/** Words of a command line, read by a table of options, from which the help is made as well. */

import { nearestNames } from '../../base/suggest.ts';

export interface OptionRow<Draft> {
  readonly names: readonly string[];
  /** What its value is; undefined for a switch. */
  readonly value?: string;
  /** Its value may be left out, and stands behind "=" where it is not. */
  readonly optional?: true;
  readonly text: string;
  apply(to: Draft, value: string): void;
}

export type OptionWords = { readonly rest: readonly string[] } | { readonly wrong: string };

/** Applies every option to the draft. What is no option is the rest; all is, behind `--`. */
export function readOptions<Draft>(
  rows: readonly OptionRow<Draft>[],
  words: readonly string[],
  draft: Draft,
): OptionWords {
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') return { rest: [...rest, ...words.slice(index + 1)] };
    if (word === '-' || !word.startsWith('-')) {
      rest.push(word);
      continue;
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
    const row = rows.find((candidate) => candidate.names.includes(name));
    if (row === undefined) return { wrong: unknownOption(rows, name) };
    if (row.value === undefined) {
      if (equals >= 0) return { wrong: `${name} takes no value` };
      row.apply(draft, '');
      continue;
    }
    if (row.optional && equals < 0) {
      row.apply(draft, '');
      continue;
    }
    const value = equals < 0 ? words[++index] : word.slice(equals + 1);
    if (value === undefined || value === '') return { wrong: `${name} wants a value: ${row.value}` };
    row.apply(draft, value);
  }
  return { rest };
}

function unknownOption<Draft>(rows: readonly OptionRow<Draft>[], name: string): string {
  const [nearest] = nearestNames(
    name,
    rows.flatMap((row) => row.names).filter((known) => known.length > 2),
  );
  return `there is no option ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}

/** A line of help for each option. */
export function optionHelp<Draft>(rows: readonly OptionRow<Draft>[]): string[] {
  const left = rows.map(({ names, value, optional }) => {
    const text = names.join(', ');
    return value === undefined ? text : optional ? `${text}[=${value}]` : `${text} ${value}`;
  });
  const width = Math.max(...left.map((text) => text.length));
  return rows.map((row, index) => `  ${(left[index] ?? '').padEnd(width)}  ${row.text}`);
}
