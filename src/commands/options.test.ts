/** Options in crash's dialect. */

import { describe, expect, it } from 'vitest';
import { UsageError } from '../base/errors.ts';
import type { Option } from './command.ts';
import { parseOptions, type ParsedArguments } from './options.ts';

const options: readonly Option[] = [
  { flag: '-l', text: '' },
  { flag: '-s', text: '' },
  { flag: '-8', text: '' },
  { flag: '-32', text: '' },
  { flag: '-c', value: 'CPUs', text: '' },
  { flag: '-o', value: 'an offset', text: '' },
];
const parse = (...words: string[]): ParsedArguments => parseOptions({ name: 'bt', options }, words);

describe('parseOptions', () => {
  it('takes single letters alone and together', () => {
    const args = parse('-ls', '1');
    expect([args.has('-l'), args.has('-s'), args.has('-c')]).toEqual([true, true, false]);
    expect(args.words).toEqual(['1']);
  });

  it('takes values as the next word, also behind other letters, and the last one counts', () => {
    expect(parse('-c', '0,2-4').value('-c')).toBe('0,2-4');
    const args = parse('-lc', '3', '-c', '4', 'x');
    expect(args.value('-c')).toBe('4');
    expect(args.words).toEqual(['x']);
    expect(args.value('-o')).toBeUndefined();
  });

  it('counts how often a switch is given, together or apart', () => {
    expect([parse('-ss').count('-s'), parse('-s', '-l', '-s').count('-s'), parse('-l').count('-s')]).toEqual([2, 2, 0]);
  });

  it('takes a value that looks like an option or a negative number', () => {
    expect(parse('-o', '-8', 'x').value('-o')).toBe('-8');
    expect(parse('-o', '-0x10').value('-o')).toBe('-0x10');
  });

  it('takes options of digits whole, and other negative numbers as words', () => {
    expect(parse('-32').has('-32')).toBe(true);
    expect(parse('-8', 'x').has('-8')).toBe(true);
    expect(parse('-5', '-0x10', '-').words).toEqual(['-5', '-0x10', '-']);
  });

  it('refuses what the command does not have, and a value that is missing', () => {
    expect(() => parse('-z')).toThrow(UsageError);
    expect(() => parse('-lz')).toThrow('there is no option -z');
    expect(() => parse('-c')).toThrow('-c wants a value: CPUs');
    expect(() => parse('-cl', '1')).toThrow('-c wants a value');
  });

  it('refuses words too many', () => {
    const rules = { name: 'log', options, words: 'none' } as const;
    expect(parseOptions(rules, ['-l']).words).toEqual([]);
    expect(() => parseOptions(rules, ['-l', 'foo'])).toThrow('log takes no words: what is "foo"?');
    const two = { name: 'rd', options, words: { most: 2 } };
    expect(parseOptions(two, ['a', '-l', 'b', '-c', '3']).words).toEqual(['a', 'b']);
    expect(() => parseOptions(two, ['a', 'b', 'c'])).toThrow('rd takes no more than 2 words: what is "c"?');
  });

  it('refuses options that exclude each other, and words that an option excludes', () => {
    const rules = {
      name: 'bt',
      options: [...options, { flag: '-a', text: '', mostWords: 0 }],
      exclusive: [
        ['-l', '-s'],
        ['-8', '-32'],
      ],
    };
    expect(parseOptions(rules, ['-l', '-8', '1']).words).toEqual(['1']);
    expect(() => parseOptions(rules, ['-sl'])).toThrow('bt: -l and -s exclude each other');
    expect(() => parseOptions(rules, ['-32', '-l', '-8'])).toThrow('bt: -8 and -32 exclude each other');
    expect(() => parseOptions(rules, ['-a', '1'])).toThrow('bt: -a and "1" exclude each other');
  });
});
