/** struct, union, p, whatis, list and bare names on a synthetic kernel, as a user sees them: definitions, objects, errors. */

import { describe, expect, it } from 'vitest';
import { asUser, NOWHERE, objects, THING_SIZE } from '../../../test/builders/objects.ts';
import { addVirt, hex } from '../../base/addr.ts';
import { UnavailableError, VmcoreError } from '../../base/errors.ts';
import { toJson } from '../../render/json.ts';
import { renderText } from '../../render/text/index.ts';
import { invocationOf, runCommand } from '../run.ts';
import { Session } from '../session.ts';

const { session, thing, torn, head, entries } = objects();
const run = (line: string): string[] => asUser(session, line);
const text = (line: string): string => run(line).join('\n');
const at = hex(thing);

describe('a definition', () => {
  it('has bit-fields, structs and enums without a name, pointers to such', () => {
    expect(run('struct thing')).toEqual([
      'struct thing {',
      '    int id;',
      '    unsigned int low : 3;',
      '    int signed_bits : 2;',
      '    enum flags flags;',
      '    enum state state;',
      '    struct thing *self;',
      '    char *text;',
      '    char name[8];',
      '    int (*call)(int);',
      '    void *nothing;',
      '    union {',
      '        unsigned long whole;',
      '        struct {',
      '            int first;',
      '            int second;',
      '        };',
      '    };',
      '    int grid[2][3];',
      '    bool yes;',
      '    char letter;',
      '    unsigned char byte;',
      '    __int128 huge;',
      '    struct point points[2];',
      '    double ratio;',
      '    enum {ONE, TWO, SIX = 6} kind;',
      '    long double extended;',
      '    struct hollow hollow;',
      '    struct {',
      '        int first;',
      '        int second;',
      '    } *other;',
      '    struct later *later;',
      '    struct list_head link;',
      '    int rest[];',
      '}',
      'SIZE: 200',
    ]);
    expect(run('thing')).toEqual(run('struct thing'));
    expect(run('whatis thing')).toEqual(run('struct thing'));
  });

  it('has offsets in columns, decimal, hexadecimal, or where an object has them', () => {
    expect(run('struct -o thing').slice(9, 18)).toEqual([
      '   [40] int (*call)(int);',
      '   [48] void *nothing;',
      '        union {',
      '   [56]     unsigned long whole;',
      '            struct {',
      '   [56]         int first;',
      '   [60]         int second;',
      '            };',
      '        };',
    ]);
    expect(run('struct -ox thing').slice(27, 36)).toEqual([
      '  [0xa0] struct hollow hollow;',
      '  [0xa0] struct {',
      '   [0x0]     int first;',
      '   [0x4]     int second;',
      '         } *other;',
      '  [0xa8] struct later *later;',
      '  [0xb8] struct list_head link;',
      '  [0xc8] int rest[];',
      '}',
    ]);
    expect(run('struct -o thing.id,first a_thing')).toEqual([
      'struct thing {',
      `  [${at}] int id;`,
      `  [${hex(thing + 56n)}] int first;`,
      '}',
    ]);
  });

  it('of what is no struct is a line', () => {
    expect(run('number_t')).toEqual(['typedef int number_t;', 'SIZE: 4']);
    expect(run('whatis -x number_t')).toEqual(['typedef int number_t;', 'SIZE: 0x4']);
    expect(run('whatis thing_t')[0]).toBe('typedef struct thing {');
    expect(run('whatis thing_t').at(-2)).toBe('} thing_t;');
    expect(run('whatis flags')).toEqual([
      'enum flags {',
      '  FLAG_A = 1',
      '  FLAG_B = 2',
      '  FLAG_TOP = 2147483648',
      '};',
    ]);
    expect(run('whatis FLAG_TOP')).toEqual(['enum flags = 2147483648']);
    expect(run('whatis ((thing_t *)0)->self->self->points')).toEqual(['struct point [2];', 'SIZE: 16']);
  });

  it('is found by its size and by what it knows', () => {
    expect(run('whatis -r 8-16 -m int')).not.toContain(' 200  thing');
    expect(run('whatis -m point')).toEqual(['SIZE  TYPE', ' 200  thing']);
    expect(run('whatis -m later')).toEqual(['SIZE  TYPE', ' 200  thing']);
    expect(run('whatis -r 1000000-2000000')).toEqual(['(none found)']);
  });
});

describe('an object', () => {
  it('shows every kind of value', () => {
    expect(run('struct thing a_thing').map((line) => line.replace(at, 'THING'))).toEqual([
      'struct thing {',
      '  id = -5,',
      '  low = 6,',
      '  signed_bits = -2,',
      '  flags = (FLAG_A | FLAG_B),',
      '  state = BUSY,',
      '  self = 0xTHING,',
      '  text = 0xffff888000000000 "a\\tb\\"\\033[31m\\\\",',
      '  name = "ab\\033\\000\\000\\000\\000",',
      '  call = 0xffffffff81000104 <do_thing+4>,',
      '  nothing = 0x0,',
      '  {',
      '    whole = 4660,',
      '    {',
      '      first = 4660,',
      '      second = 0',
      '    }',
      '  },',
      '  grid = {{1, -2, 3}, {4, 5, 6}},',
      '  yes = true,',
      "  letter = 65 'A',",
      "  byte = 128 '\\200',",
      '  huge = 36893488147419103231,',
      '  points = {{',
      '      x = 10,',
      '      y = 11',
      '    }, {',
      '      x = 12,',
      '      y = 13',
      '    }},',
      '  ratio = 1.5,',
      '  kind = (TWO | unknown: 0x4),',
      '  extended = (a floating-point number of 16 bytes is not decoded),',
      '  hollow = {<No data fields>},',
      '  other = 0x0,',
      '  later = 0x0,',
      '  link = {',
      '    next = 0x0,',
      '    prev = 0x0',
      '  },',
      `  rest = 0x${hex(thing + 200n)}`,
      '}',
    ]);
    const hexadecimal = text('struct -x thing a_thing');
    for (const line of [
      'id = 0xfffffffb',
      'signed_bits = 0x2',
      'letter = 0x41',
      'byte = 0x80',
      'yes = 0x1',
      'grid = {{0x1, 0xfffffffe, 0x3}, ',
      'huge = 0x1ffffffffffffffff',
    ])
      expect(hexadecimal).toContain(line);
  });

  it('loses what is on a page that is not there, and no more', () => {
    const lines = run(`struct thing ${hex(torn)}`);
    expect(lines.slice(0, 7)).toEqual([
      'struct thing {',
      '  id = 9,',
      '  low = 0,',
      '  signed_bits = 0,',
      '  flags = 0,',
      '  state = IDLE,',
      expect.stringMatching(/^ {2}self = \(cannot read kernel virtual address [0-9a-f]+: not mapped\),$/) as string,
    ]);
  });

  it('that cannot be read is an answer beside one that can, and a failure alone', () => {
    const nowhere = hex(NOWHERE);
    for (const line of [
      `struct thing ${nowhere}`,
      `struct thing.id,name ${nowhere}`,
      `struct thing.id ${nowhere} 3`,
      `p *(int *)0x${nowhere}`,
      `p ((struct thing *)0x${nowhere})->name`,
      `list ${nowhere}`,
      `list -h ${nowhere}`,
      `list -H ${nowhere}`,
    ])
      expect(() => run(line), line).toThrow(UnavailableError);
    expect(run(`struct thing.id,self ${hex(torn)}`)).toEqual(['  id = 9,', expect.stringMatching(/cannot read/)]);
  });

  it('of many that cannot be read one line tells', () => {
    const second = addVirt(torn, THING_SIZE);
    const lines = run(`struct thing.id ${hex(torn)} 1000000`);
    expect(lines).toEqual([
      '  id = 9,',
      `struct thing from ${hex(second)} to ${hex(addVirt(torn, 999_999 * THING_SIZE))}, 999999 of them: (cannot read kernel virtual address ${hex(second)}: not mapped)`,
    ]);
    expect(() => run(`struct thing ${hex(NOWHERE)} 9`)).toThrow(`to ${hex(NOWHERE + 1600n)}, 9 of them: cannot read`);
    const before = run(`struct thing.id ${hex(addVirt(second, THING_SIZE))} -3`);
    expect(before[0]).toBe('  id = 9,');
    expect(before).toHaveLength(2);
  });

  it('shows the members that are there before it complains of others', () => {
    const lines: string[] = [];
    const ask = (line: string): void => {
      for (const result of runCommand(session, invocationOf(line.split(' ')))) lines.push(...renderText(result));
    };
    const failure = 'member of struct thing not found: __id, nope; did you mean id?';
    expect(() => ask('struct thing.id,__id,name,nope a_thing')).toThrow(failure);
    expect(lines.map((line) => line.slice(0, 9))).toEqual(['  id = -5', '  name = ']);
    lines.length = 0;
    expect(() => ask('struct thing.id,nope')).toThrow('member of struct thing not found: nope');
    expect(lines).toEqual(['struct thing {', '    [0] int id;', '}']);
    lines.length = 0;
    expect(() => ask('list -H things -o thing.link -s thing.id,nope')).toThrow('not found: nope');
    expect(lines).toHaveLength(6);
    expect(lines[1]).toBe('  id = 1,');
  });

  it('shows some members where they stand in the whole', () => {
    expect(run('struct thing.first,second,whole,grid[1],grid[0x1][2],rest a_thing')).toEqual([
      '      first = 4660,',
      '      second = 0',
      '    whole = 4660,',
      '  grid[1] = {4, 5, 6},',
      '  grid[0x1][2] = 6,',
      `  rest = 0x${hex(thing + 200n)}`,
    ]);
    expect(run('thing.id a_thing')).toEqual(['  id = -5,']);
    expect(run(`*thing.id -l thing.link ${hex(thing + 184n)}`)).toEqual(['  id = -5,']);
    expect(run(`thing.id ${hex(entries[0] ?? 0n)} -c 1`)).toEqual(['  id = 1,']);
  });

  it('with -p shows where pointers lead', () => {
    const lines = run('struct thing.self,call,nothing,other,id -p a_thing');
    expect(lines.slice(0, 3)).toEqual([`  struct thing *self = 0x${at}`, '  -> {', '       id = -5,']);
    expect(lines.slice(-7)).toEqual([
      '  int (*call)(int) = 0xffffffff81000104',
      '  -> <do_thing+4>',
      '  void *nothing = 0x0',
      '  -> NULL',
      '  struct {...} *other = 0x0',
      '  -> NULL',
      '  id = -5,',
    ]);
  });

  it('of several in a row', () => {
    expect(run('point a_thing 2').filter((line) => line.includes('x ='))).toHaveLength(2);
    expect(run('struct point.x a_thing -c -2')).toHaveLength(2);
    expect(text('struct point -r a_thing')).toContain(`${at}:  00000016fffffffb`);
  });
});

describe('a value', () => {
  it('of flags, of an enum, of a char', () => {
    expect(text('p (enum flags)0x80000003')).toMatch(/ = \(FLAG_A \| FLAG_B \| FLAG_TOP\)$/);
    expect(text('p (enum flags)0x10')).toMatch(/ = 16$/);
    expect(text('p (enum state)-1')).toMatch(/ = GONE$/);
    expect(text("p ('A')")).toMatch(/ = 65 'A'$/);
    expect(text("p ((char)'\\n')")).toMatch(/ = 10 '\\n'$/);
    expect(text('px (-1)')).toMatch(/ = 0xffffffff$/);
    expect(text('p (1 > 2)')).toMatch(/ = 0$/);
  });

  it('of a name without a type is reached by its address', () => {
    expect(text('p ((thing_t *)&a_thing)->id')).toMatch(/ = -5$/);
    expect(text('p *(thing_t *)&a_thing')).toMatch(/ = \{\n {2}id = -5,/);
    expect(() => run('p a_thing')).toThrow(/the type of a_thing is not known .*; a cast can give it one/);
  });

  it('that is long is cut, and that is said', () => {
    expect(run('p (char *)&long_text')[0]).toMatch(/ = 0x[0-9a-f]+ "x{256}"\.\.\.$/);
    expect(run('p *(char (*)[400])&long_text')[0]).toMatch(/ = "x{256}"\.\.\.$/);
    expect(text('p *(int *)&a_thing@300')).toMatch(/\.\.\.\}$/);
  });
});

describe('a list', () => {
  it('is walked by a head, with what its entries hold', () => {
    const addresses = entries.map((entry) => hex(entry));
    expect(run('list -H things -o thing.link')).toEqual(addresses);
    expect(run('list thing.link -H things')).toEqual(addresses);
    expect(run(`list -H ${hex(head)} -o 184 -r`)).toEqual(addresses.toReversed());
    expect(run('list -H things -o thing.link -s thing.id')).toEqual(
      addresses.flatMap((address, index) => [address, `  id = ${index + 1},`]),
    );
    expect(run('list -H things -o thing.link -S thing.id').slice(0, 2)).toEqual([addresses[0], '  id = 1']);
  });
});

describe('types that are broken', () => {
  it.each([
    ['struct nest', /more members than can be: the debug information is damaged/],
    ['struct nest a_thing', /too much to show|nested too deep/],
    ['struct matryoshka a_thing', /too much to show/],
    ['struct ping.found a_thing', /found = -5/],
    ['struct vast', /SIZE: 4294967280/],
    ['struct vast a_thing', /id = -5/],
    ['struct astray a_thing', /beyond = \(value: a member lies outside of its structure\)/],
    ['struct odd a_thing', /damaged/],
    ['whatis endless_t', /typedef endless_t endless_t/],
    ['whatis -m nothing_there', /^\(none found\)$/],
  ])('%s', (line, answer) => {
    expect(text(line)).toMatch(answer);
  });

  it('never send what a terminal obeys', () => {
    const lines = run('struct "rude\u001b[2J" a_thing');
    expect(lines).toEqual(['struct rude\\x1b[2J {', '  na\\x1bme = -5', '}']);
    for (const line of ['struct thing a_thing', 'struct "rude\u001b[2J"', 'whatis -r 8'])
      expect(text(line)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/); // oxlint-disable-line no-control-regex -- these are what is looked for
  });
});

describe('what is refused', () => {
  it.each([
    ['struct', /^struct wants the name of a type/],
    ['struct thin', /^struct not found: thin; did you mean thing\?/],
    ['struct thing.nam', /^member of struct thing not found: nam; did you mean name\?/],
    ['struct thing.grid[x] a_thing', /^member of struct thing not found: grid\[x\]/],
    ['struct thing.grid[1 a_thing', /^member of struct thing not found: grid\[1/],
    ['struct thing.id.x a_thing', /^member of struct thing not found: id\.x/],
    ['struct thing nosuch', /^nosuch is no symbol and no hexadecimal address/],
    ['struct thing (1', /"\)" is wanted|is no symbol/],
    ['struct thing a_thing:0', /^there is no CPU 0 in this dump/],
    ['struct vast.numbers[4294967294] a_thing', /^member of struct vast not found/],
    ['struct thing -c 0 a_thing', /^0 is no usable count/],
    ['struct thing a_thing -c 9999999', /^9999999 is no usable count/],
    ['struct thing a_thing x', /^x is no number/],
    ['struct thing -l 99999999999999999999999 a_thing', /too large a number/],
    ['struct thing -l thing a_thing', /^thing is no offset/],
    ['struct thing -p', /^an address is wanted as well/],
    ['struct -o -r thing a_thing', /exclude each other/],
    ['struct thing -y', /there is no option -y/],
    ['whatis', /^whatis wants a type/],
    ['whatis struct nosuch', /^struct not found: nosuch/],
    ['whatis struct thingg', /^struct not found: thingg; did you mean thing\?/],
    ['whatis enum nosuch', /^enum not found: nosuch/],
    ['whatis nosuch', /^type or symbol not found: nosuch/],
    ['whatis 1 +', /^a value is wanted/],
    ['whatis -r x', /^x is no size/],
    ['whatis -r 9-1', /the lower one stands first/],
    ['p', /^p wants an expression/],
    ['p 1 +', /^a value is wanted at the end/],
    ['p nosuch', /^symbol not found: nosuch/],
    ['p a_thing = 1', /there is no assignment/],
    ['p do_thing(1)', /cannot be called/],
    ['p (char[1000000000])1', /cannot be cast/],
    ['p $7777', /^earlier value not found/],
    ['p a_thing:0', /^a_thing is no per-CPU symbol/],
    ['p nosuch:0', /^symbol not found: nosuch/],
    ['list', /^list wants an address/],
    ['list things 5 6', /no more than 2 words/],
    ['list -o thing.nosuch things', /^member of struct thing not found: nosuch/],
    ['list -o 99999999999999999999999 things', /too large a number/],
    ['list -O x things', /^struct not found: x$/],
    ['list -l 8 things', /^-l goes with -s/],
    ['list things -s thing.nosuch', /^member of struct thing not found/],
    ['nosuch', /^command not found: nosuch/],
    ['*nosuch', /^struct not found: nosuch/],
  ])('%s', (line, message) => {
    expect(() => run(line)).toThrow(VmcoreError);
    expect(() => run(line)).toThrow(message);
  });
});

describe('p, as in gdb', () => {
  it('knows characters, and what was printed before', () => {
    const fresh = new Session(session.kernel.target);
    const lines = (line: string): string[] => asUser(fresh, line);
    expect(lines("p 'A'")).toEqual(["$1 = 65 'A'"]);
    expect(lines(String.raw`p '\n' + 1`)).toEqual(['$2 = 11']);
    expect(lines("p ('>' )")).toEqual(["$3 = 62 '>'"]);
    expect(lines('p $0 + 0')).toEqual(['$4 = 62']);
    expect(lines('p $$1 + 0')).toEqual(['$5 = 62']);
    expect(lines('p $$4')).toEqual(["$6 = 65 'A'"]);
    expect(lines('p $$')).toEqual(['$7 = 62']);
    expect(lines('p "3 > 2"')).toEqual(['$8 = 1']);
    expect(() => lines('p $$20')).toThrow('earlier value not found: $$20');
  });

  it('takes the format behind a slash', () => {
    for (const line of ['p/x FLAG_B + 8', 'print/x FLAG_B + 8', 'p /x FLAG_B + 8'])
      expect(text(line), line).toMatch(/= 0xa$/);
    expect(() => run('p/t 1')).toThrow('command not found: p/t; did you mean px, pd?');
    for (const line of ['p/d 0xa', 'p /d 0xa']) expect(text(line), line).toMatch(/= 10$/);
  });

  it('says what it does not take', () => {
    expect(() => run('p "abc"')).toThrow('symbol not found: abc (what is in quotes is an expression');
    expect(() => run('p "abc" + 1')).toThrow('"abc" is a text, for which a dump has no place');
    expect(() => run('p qq')).toThrow(/^symbol not found: qq$/);
    expect(() => run('struct thing.id:3')).toThrow(':3 stands behind what is per CPU: struct thing.id SYMBOL:3');
  });
});

it('everything has JSON', () => {
  const fresh = new Session(session.kernel.target);
  for (const line of [
    'struct thing',
    'struct thing a_thing',
    'struct -p thing.self a_thing',
    'p FLAG_TOP',
    'whatis flags',
    'whatis -r 8',
    'list -H things',
  ])
    for (const result of runCommand(fresh, invocationOf(line.split(' '))))
      expect(JSON.stringify(toJson(result)).length).toBeGreaterThan(10);
});
