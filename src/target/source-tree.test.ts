import { describe, expect, it } from 'vitest';
import { memoryHost } from '../../test/builders/host.ts';
import { SourceTree } from './source-tree.ts';

const encoder = new TextEncoder();
const files = new Map([
  ['/src/linux/fs/read_write.c', encoder.encode('first\nsecond\n')],
  ['/src/linux/repro.c', encoder.encode('out of tree')],
  ['/src/secret', encoder.encode('never shown')],
]);

describe('source files', () => {
  const host = memoryHost(files);
  const tree = new SourceTree(host, ['/nowhere', '/src/linux']);

  it('are found by their path in the tree, and by the end of an absolute one', () => {
    expect(tree.linesOf('fs/read_write.c')).toEqual(['first', 'second']);
    expect(tree.linesOf('./fs/../fs/read_write.c')).toEqual(['first', 'second']);
    expect(tree.linesOf('/home/builder/module/repro.c')).toEqual(['out of tree']);
  });

  it.each(['../secret', 'fs/../../secret', '/../secret', 'fs/..', '', '..', 'fs\\..\\..\\secret', 'a\0b'])(
    'are never outside of it: %j',
    (path) => {
      expect(tree.linesOf(path)).toMatch(/^source code is not available/);
    },
  );

  it('that are not there are said to be', () => {
    expect(tree.linesOf('mm/slub.c')).toBe(
      'source code is not available: there is no mm/slub.c in /nowhere, /src/linux',
    );
    expect(new SourceTree(host, []).linesOf('mm/slub.c')).toContain('--src DIR');
  });
});
