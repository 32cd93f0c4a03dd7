/** Tab on a synthetic kernel: what may stand at the end of a half-typed line. */

import { describe, expect, it } from 'vitest';
import { objects } from '../../test/builders/objects.ts';
import { complete } from './complete.ts';

const { session } = objects();
const offers = (line: string): readonly string[] => complete(session, line).candidates;

describe('types', () => {
  it('stand behind struct, union, *, and where an option wants one; symbols do not', () => {
    for (const line of ['struct th', 'union th', '*th', '* th', 'struct -o th', 'list -s th', 'list -o th'])
      expect(complete(session, line), line).toEqual({ candidates: ['thing', 'thing_t'], word: 'th', open: true });
    expect(offers('struct numb')).toEqual([]);
  });

  it('stand beside symbols where either may be meant', () => {
    expect(offers('whatis th')).toEqual(['thing', 'thing_t', 'things']);
    expect(offers('list th')).toEqual(['thing', 'thing_t', 'things']);
    expect(offers('whatis numb')).toEqual(['number_t']);
    expect(offers('whatis struct th')).toEqual(['thing']);
    expect(offers('whatis enum st')).toEqual(['state']);
    expect(offers('p ((struct po')).toEqual(['point']);
  });

  it('are followed by symbols', () => {
    expect(offers('struct thing a_')).toEqual(['a_thing']);
    expect(offers('struct thing -l 8 a_')).toEqual(['a_thing']);
    expect(offers('*thing a_')).toEqual(['a_thing']);
    expect(offers('thing.id a_')).toEqual(['a_thing']);
    expect(offers('rd a_')).toEqual(['a_thing']);
  });
});

it('registers stand where a value of a frame is asked for', () => {
  expect(offers('origin r1')).toEqual(['r10', 'r11', 'r12', 'r13', 'r14', 'r15']);
  expect(offers('origin -f 0 rd')).toEqual(['rdi', 'rdx']);
  expect(offers('origin --s')).toEqual(['--strict']);
});

describe('members', () => {
  it('of a type, nested, behind a comma, through what has no name', () => {
    expect(complete(session, 'struct thing.sel')).toEqual({ candidates: ['self'], word: 'sel', open: true });
    expect(offers('struct thing_t.id,li')).toEqual(['link']);
    expect(offers('struct thing.id,link.pr')).toEqual(['prev']);
    expect(offers('struct thing.points[1].')).toEqual(['x', 'y']);
    expect(offers('struct thing.fir')).toEqual(['first']);
    for (const line of ['thing.li', 'whatis thing.li', 'list thing.li', 'list -o thing.li', 'whatis struct thing.li'])
      expect(offers(line), line).toEqual(['link']);
  });

  it('of a value, whatever leads to it', () => {
    for (const operand of [
      '((struct thing *)0x1000)->link.',
      '1 + (*(struct thing *)&a_thing).self->link.',
      'sizeof(*((struct thing *)&a_thing)->link.next->',
      '((thing_t *)&a_thing)->self[2].link.',
      'container_of(&things, struct thing, link)->link.',
    ])
      expect(offers(`p ${operand}pr`), operand).toEqual(['prev']);
    expect(offers('rd (((struct thing *)0)->li')).toEqual(['link']);
  });

  it('are none of what has none, is not known or never ends', () => {
    for (const line of [
      'p a_thing.id.',
      'p nothing_here.',
      'p 1.',
      'p )].',
      'p (a_thing.',
      'p ((struct absent *)0)->',
      'struct thing.self.',
      'struct absent.',
      'struct endless_t.',
      'struct .',
      '.',
      '->',
      `p ${'('.repeat(2000)}a_thing.`,
    ])
      expect(Array.isArray(offers(line)), line).toBe(true);
    expect(offers('struct ping.f')).toEqual(['found']);
  });
});

describe('everything else', () => {
  it('is as the command says', () => {
    expect(offers('wha')).toEqual(['whatis']);
    expect(offers('help wha')).toEqual(['whatis']);
    expect(offers('whatis -')).toEqual(['-d', '-m', '-o', '-r', '-x']);
    expect(offers('mod -s x')).toEqual([]);
    expect(offers('rd ')).toEqual([]);
  });
});
