/** Lines as they are typed: words, quotes, pipes, files, several commands. */

import { describe, expect, it } from 'vitest';
import { UsageError } from '../base/errors.ts';
import { parseLine, splitCommands } from './line.ts';

const words = (line: string): readonly string[] => {
  const parsed = parseLine(line);
  return parsed.kind === 'command' ? parsed.words : [parsed.kind];
};

describe('parseLine', () => {
  it('makes words, with quotes and backslashes', () => {
    expect(words('  bt -l   1 ')).toEqual(['bt', '-l', '1']);
    expect(words(`sym 'a b' "c;d|e" x\\ y`)).toEqual(['sym', 'a b', 'c;d|e', 'x y']);
    expect(words(`ps ''`)).toEqual(['ps', '']);
    expect(words(`ps a"b c"d`)).toEqual(['ps', 'ab cd']);
  });

  it('leaves C its quotes', () => {
    expect(words(`p 'A' + '\\''`)).toEqual(['p', `'A'`, '+', `'\\''`]);
    expect(words(`px ';' > 'a b'`)).toEqual(['px', `';'`]);
    expect(words(`p "a > b"`)).toEqual(['p', '"a > b"']);
    expect(words(`p 'a > b'`)).toEqual(['p', 'a > b']);
  });

  it('knows lines that are no command', () => {
    for (const line of ['', '   ', '# bt', '// bt']) expect(parseLine(line)).toEqual({ kind: 'nothing' });
    expect(parseLine('!ls -l | wc')).toEqual({ kind: 'shell', command: 'ls -l | wc' });
  });

  it('sends output to pipes and files', () => {
    expect(parseLine('log | grep "a|b" | wc')).toMatchObject({
      words: ['log'],
      sink: { kind: 'pipe', command: 'grep "a|b" | wc' },
    });
    expect(parseLine('bt > out.txt')).toMatchObject({
      words: ['bt'],
      sink: { kind: 'file', path: 'out.txt', append: false },
    });
    expect(parseLine("bt>>'my out'")).toMatchObject({
      words: ['bt'],
      sink: { kind: 'file', path: 'my out', append: true },
    });
    expect(parseLine('bt')).toMatchObject({ sink: { kind: 'screen' } });
  });

  it('refuses what is not whole', () => {
    for (const line of ['bt "x', "sym 'x", 'bt |', 'bt >', 'bt > a b', 'bt > a > b'])
      expect(() => parseLine(line), line).toThrow(UsageError);
  });
});

describe('splitCommands', () => {
  it('splits at semicolons outside quotes, pipes and shell commands', () => {
    expect(splitCommands('bt; log ;; ps;')).toEqual(['bt', 'log', 'ps']);
    expect(splitCommands(`sym 'a;b'; sym "c;d"`)).toEqual([`sym 'a;b'`, `sym "c;d"`]);
    expect(splitCommands('log | tail; ps')).toEqual(['log | tail', 'ps']);
    expect(splitCommands(`log | sed 's/a/b/; s/c/d/'`)).toEqual([`log | sed 's/a/b/; s/c/d/'`]);
    expect(splitCommands('bt; !ls; pwd')).toEqual(['bt', '!ls; pwd']);
    expect(splitCommands('bt > a; log')).toEqual(['bt > a', 'log']);
    expect(splitCommands('')).toEqual([]);
  });

  it('takes quotes and semicolons behind a backslash as parseLine does', () => {
    expect(splitCommands(`sym \\'; log`)).toEqual([`sym \\'`, 'log']);
    expect(splitCommands('sym a\\;b; log')).toEqual(['sym a\\;b', 'log']);
    expect(splitCommands('sym a\\|b; log')).toEqual(['sym a\\|b', 'log']);
  });

  it('runs nothing of a comment', () => {
    expect(splitCommands('bt; # then; log')).toEqual(['bt', '# then; log']);
    expect(splitCommands('// bt; log')).toEqual(['// bt; log']);
  });
});

describe('expressions in a line', () => {
  const words = (line: string): readonly string[] => {
    const parsed = parseLine(line);
    return parsed.kind === 'command' ? parsed.words : [];
  };

  it('keep their arrows, and in parentheses their comparisons', () => {
    expect(words('p init_task.mm->pgd')).toEqual(['p', 'init_task.mm->pgd']);
    expect(words('p (a > b) | grep x')).toEqual(['p', '(a > b)']);
    expect(words('rd (a + 8) 2')).toEqual(['rd', '(a + 8)', '2']);
    expect(words("p ('a' + '\\'' + '(')")).toEqual(['p', "('a' + '\\'' + '(')"]);
    expect(words("search -c 'a b' (x)")).toEqual(['search', '-c', 'a b', '(x)']);
    expect(() => words("p ('a)")).toThrow("the quote ' does not end");
    expect(words('p ((a|b) >> 2)')).toEqual(['p', '((a|b) >> 2)']);
    expect(parseLine('log -> file')).toMatchObject({ words: ['log', '-'], sink: { kind: 'file', path: 'file' } });
    expect(parseLine('bt > file')).toMatchObject({ words: ['bt'], sink: { kind: 'file' } });
  });
});
