/**
 * A line as it is typed: a command with its words, and where its output goes. What is quoted by ' or " is one word
 * and may hold anything; a backslash takes the meaning from the next character. What is in parentheses is an expression:
 * blanks, `|`, `>` and the quotes of a character belong to it, as the arrow of `a->b` does anywhere. The words of a
 * command that takes C are C: they keep their quotes.
 */

import { UsageError } from '../base/errors.ts';

export type Sink =
  | { readonly kind: 'screen' }
  | { readonly kind: 'pipe'; readonly command: string }
  | { readonly kind: 'file'; readonly path: string; readonly append: boolean };

export type Line =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'shell'; readonly command: string }
  | { readonly kind: 'command'; readonly words: readonly string[]; readonly sink: Sink };

/** @throws UsageError where a quote does not end, or a pipe or file is not named */
export function parseLine(line: string): Line {
  const text = line.trim();
  if (text === '' || text.startsWith('#') || text.startsWith('//')) return { kind: 'nothing' };
  if (text.startsWith('!')) return { kind: 'shell', command: text.slice(1).trim() };
  const { words, rest } = splitWords(text);
  const sink = parseSink(rest);
  return words.length === 0 ? { kind: 'nothing' } : { kind: 'command', words, sink };
}

/**
 * Several commands on one line: `bt; log | tail; ps`. A semicolon in quotes or behind a backslash is none; a comment
 * or a shell line (`!a; b`) is one command to its end.
 */
export function splitCommands(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quote = '';
  let escaped = false;
  for (const character of text) {
    const whole = /^\s*(?:!|#|\/\/)/.test(part);
    if (character === ';' && quote === '' && !escaped && !whole) {
      parts.push(part);
      part = '';
      continue;
    }
    part += character;
    if (escaped) escaped = false;
    else if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '\\') escaped = true;
    else if (character === '"' || character === "'") quote = character;
  }
  return [...parts, part].map((entry) => entry.trim()).filter((entry) => entry !== '');
}

/** Commands whose words are a C expression. */
const takesExpression = /^(?:p|print|px|pd|whatis)(?:\/\w+)?$/;
const characterConstant = /^'(?:[^'\\]|\\(?:x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.))'/;
const quotedText = /^"[^"]*"/;

/** The words up to an unquoted `|` or `>`, and what begins with it. */
function splitWords(text: string): { words: string[]; rest: string } {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    const rest = text.slice(at);
    const kept = takesExpression.test(words[0] ?? '')
      ? (characterConstant.exec(rest) ?? quotedText.exec(rest))?.[0]
      : undefined;
    if (quote !== '') {
      if (character === quote) quote = '';
      else word = (word ?? '') + character;
    } else if (kept !== undefined) {
      word = (word ?? '') + kept;
      at += kept.length - 1;
    } else if (character === "'" && depth > 0) {
      const quoted = /^'(?:[^'\\]|\\.)+'/.exec(text.slice(at))?.[0];
      if (quoted === undefined) throw new UsageError("the quote ' does not end");
      word = (word ?? '') + quoted;
      at += quoted.length - 1;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '\\' && at + 1 < text.length) {
      at++;
      word = (word ?? '') + (text[at] ?? '');
    } else if ((character === '|' || character === '>') && depth === 0 && !isArrow(text, at)) {
      if (word !== undefined) words.push(word);
      return { words, rest: text.slice(at) };
    } else if (/\s/.test(character) && depth === 0) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      if (character === '(') depth++;
      if (character === ')') depth = Math.max(0, depth - 1);
      word = (word ?? '') + character;
    }
  }
  if (quote !== '') throw new UsageError(`the quote ${quote} does not end`);
  if (word !== undefined) words.push(word);
  return { words, rest: '' };
}

/** Whether the > at a position is that of `a->b`. */
function isArrow(text: string, at: number): boolean {
  return text[at] === '>' && text[at - 1] === '-' && /^[A-Za-z_]/.test(text.slice(at + 1));
}

function parseSink(rest: string): Sink {
  if (rest === '') return { kind: 'screen' };
  if (rest.startsWith('|')) {
    const command = rest.slice(1).trim();
    if (command === '') throw new UsageError('a shell command is wanted behind |');
    return { kind: 'pipe', command };
  }
  const append = rest.startsWith('>>');
  const { words, rest: more } = splitWords(rest.slice(append ? 2 : 1));
  const [path] = words;
  if (path === undefined || words.length > 1 || more !== '') throw new UsageError('one file is wanted behind >');
  return { kind: 'file', path, append };
}
