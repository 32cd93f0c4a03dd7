/**
 * Debug information that dwz has made smaller: what several programs have in common lies in a file of its own. Real
 * programs, of DWARF 4 and 5, must read as they did before dwz; with the shared file missing, damaged or of another
 * build nothing is made up.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attempt } from '../../src/base/errors.ts';
import { DwarfInfo } from '../../src/debuginfo/dwarf/dwarf-info.ts';
import { DwarfSections } from '../../src/debuginfo/dwarf/sections.ts';
import type { NamedKind } from '../../src/debuginfo/types/catalog.ts';
import { declare, typeName } from '../../src/debuginfo/types/declaration.ts';
import type { CompoundType } from '../../src/debuginfo/types/type.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { alternateOf, alternatePaths, readAlternateLink } from '../../src/target/alternate-file.ts';
import { openElf } from '../../src/target/find-vmlinux.ts';
import { debugTool } from '../../tools/oracles/debug-tools.ts';
import { openElfBytes } from '../builders/dwarf-open.ts';
import { memoryHost } from '../builders/host.ts';
import { mutationRun } from '../builders/mutate.ts';

const common = `
  enum colour { RED, GREEN = 5, BLUE = -3 };
  union word { unsigned long whole; unsigned char bytes[8]; struct { unsigned low:12, high:20; } parts; };
  struct node { struct node *next, *prev; const char *name; enum colour colour; union word word;
                int (*visit)(struct node *, unsigned long flags); int matrix[3][4]; };
  typedef struct node node_t;
  struct queue { node_t *head; unsigned long count; volatile int lock; };
  static inline int first(const struct queue *queue) { return queue->head ? queue->head->matrix[1][2] : -1; }
`;
const program = (name: string): string => `${common}
  struct only_${name} { struct queue queue; long own_${name}; };
  struct only_${name} of_${name};
  static int __attribute__((noinline)) visit_${name}(struct node *node, unsigned long flags) { return node->word.whole ^ flags; }
  int main(int argc, char **argv) { of_${name}.own_${name} = argc; return first(&of_${name}.queue) + visit_${name}((struct node *)argv, 3); }
`;
const twin = `${common} struct queue twin; int twin_first(void) { return first(&twin); }`;
const names = ['one', 'two', 'three'];
const forms = [
  ['DWARF 4', '-gdwarf-4', []],
  ['DWARF 5', '-gdwarf-5', []],
  ['DWARF 5 with its own kind of link', '-gdwarf-5', ['--dwarf-5']],
] as const;

const folder = mkdtempSync(join(tmpdir(), 'vmscope-dwz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const host = new NodeHost();
function open(path: string): DwarfInfo {
  const elf = openElf(host, path);
  return new DwarfInfo(new DwarfSections(elf, host, { alternate: alternateOf(elf, host, []) }));
}

const kinds: readonly NamedKind[] = ['struct', 'union', 'enum', 'typedef'];

function memberLines(type: CompoundType): string[] {
  return type.members.map(({ name, offset, bitField, type: own }) =>
    [declare(own, name ?? ''), offset, bitField?.bitOffset, bitField?.bitSize].join(' '),
  );
}

/** All that is said of types, variables and functions, in an order that does not depend on where it stands. */
function everything(dwarf: DwarfInfo): unknown {
  const { types } = dwarf;
  const code = execFileSync('readelf', ['--syms', '--wide', dwarf.sections.elf.source.name], { encoding: 'utf8' });
  const functions = [
    ...code.matchAll(/: ([0-9a-f]{16}) +(\d+) FUNC +\w+ +DEFAULT +\d+ (main|visit_\w+|twin_first)$/gm),
  ];
  return {
    names: kinds.map((kind) => [kind, [...new Set(types.names(kind))].toSorted()]),
    compounds: Array.from(types.compounds(), (type) =>
      [typeName(type), type.size, memberLines(type)].join('\n'),
    ).toSorted(),
    enumerators: ['RED', 'GREEN', 'BLUE'].map((name) => String(types.enumerator(name)?.value)),
    typedef: types.typedef('node_t') && typeName(types.typedef('node_t')?.target ?? { kind: 'void' }),
    variables: ['twin', ...names.map((name) => `of_${name}`)].map((name) => {
      const type = types.variable(name);
      return type && declare(type, name);
    }),
    frames: functions.flatMap(([, start = '', size = '0']) =>
      Array.from({ length: Number(size) }, (_, at) =>
        dwarf
          .framesAt(parseInt(start, 16) + at)
          .map(({ functionName, inlined, source }) => `${functionName} ${inlined} ${source?.line ?? '?'}`)
          .join(' < '),
      ),
    ),
  };
}

describe.each(forms)('%s', (_, version, options) => {
  const own = join(folder, [version, ...options].join(''));
  const plain = join(own, 'plain');
  const shared = join(own, 'shared');

  beforeAll(() => {
    mkdirSync(plain, { recursive: true });
    writeFileSync(join(own, 'twin.c'), twin);
    for (const name of names) {
      writeFileSync(join(own, `${name}.c`), program(name));
      const files = [join(own, `${name}.c`), join(own, 'twin.c')];
      execFileSync('gcc-12', ['-g', version, '-O1', '-w', '-Wl,--build-id', '-o', join(plain, name), ...files]);
    }
    cpSync(plain, shared, { recursive: true });
    mkdirSync(join(shared, '.dwz'));
    const { path, env } = debugTool('dwz');
    const words = [...options, '-m', '.dwz/common.debug', '-M', '../../.dwz/common.debug', ...names];
    execFileSync(path, words, { cwd: shared, env: { ...env } });
  });

  it.each(names)('%s reads as before', (name) => {
    expect(readAlternateLink(openElf(host, join(shared, name)))?.name).toBe('../../.dwz/common.debug');
    const before = everything(open(join(plain, name)));
    expect(JSON.stringify(before)).toContain('visit_');
    expect(everything(open(join(shared, name)))).toEqual(before);
  });

  it('without the shared file nothing is made up', () => {
    const file = join(shared, '.dwz/common.debug');
    const bytes = readFileSync(file);
    const checkPoor = (): void => {
      const dwarf = open(join(shared, 'one'));
      const named = [...dwarf.types.names('struct')];
      expect(named.filter((name) => !/^(only_one|queue|node)$/.test(name))).toEqual([]);
      expect(dwarf.types.compound('struct', 'node')).toBeUndefined();
      const type = dwarf.types.variable('of_one');
      expect(type && declare(type, 'of_one')).toBe('struct only_one of_one');
    };
    renameSync(file, `${file}.away`);
    checkPoor();
    writeFileSync(file, bytes.subarray(0, 50));
    checkPoor();
    writeFileSync(file, readFileSync(join(plain, 'two')));
    checkPoor();
    rmSync(file);
    renameSync(`${file}.away`, file);
  });
});

it('whatever the bytes of the shared file and of the link, nothing but an error of ours comes of them', () => {
  const own = join(folder, forms[0][1], 'shared');
  const shared = new Uint8Array(readFileSync(join(own, '.dwz/common.debug')));
  const one = new Uint8Array(readFileSync(join(own, 'one')));
  const buildId = readAlternateLink(openElf(host, join(own, 'one')))?.buildId ?? '';
  const use = (program: Uint8Array, common: Uint8Array): void => {
    const files = memoryHost(
      new Map([
        ['/files/one', program],
        [`/debug/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`, common],
      ]),
    );
    const elf = attempt(() => openElf(files, '/files/one'));
    if (elf === undefined) return;
    const dwarf = new DwarfInfo(new DwarfSections(elf, files, { alternate: alternateOf(elf, files, ['/debug']) }));
    for (const name of ['node', 'queue', 'only_one'])
      attempt(() => dwarf.types.compound('struct', name)?.members.map(({ type }) => typeName(type)));
    attempt(() => dwarf.types.variable('twin'));
    attempt(() => dwarf.framesAt(0x1150));
  };
  mutationRun(shared, 400, (bytes) => use(one, bytes));
  const link = readSection(one, '.gnu_debugaltlink');
  mutationRun(link.bytes, 200, (bytes) => {
    const copy = one.slice();
    copy.set(bytes.subarray(0, link.bytes.length), link.offset);
    use(copy, shared);
  });
});

function readSection(file: Uint8Array, name: string): { bytes: Uint8Array; offset: number } {
  const { offset = 0, size = 0 } = openElfBytes(file).section(name) ?? {};
  return { bytes: file.slice(offset, offset + size), offset };
}

it('the shared file is looked for only where debug files are searched for', () => {
  const buildId = 'ab'.repeat(20);
  const paths = (name: string): string[] => alternatePaths('/files/lib/one.debug', { name, buildId }, ['/debug']);
  const byId = `/debug/.build-id/ab/${buildId.slice(2)}.debug`;
  expect(paths('../../.dwz/x86/one.debug')).toEqual([
    byId,
    '/debug/.dwz/x86/one.debug',
    '/files/lib/.dwz/x86/one.debug',
    '/files/lib/one.debug',
  ]);
  expect(paths('/etc/passwd')).toEqual([byId, '/files/lib/passwd']);
  expect(paths('../../../etc/passwd')).toEqual([byId, '/files/lib/passwd']);
  expect(paths('/a/.dwz/../../etc/passwd')).toEqual([byId, '/files/lib/passwd']);
  expect(paths('..')).toEqual([byId]);
});
