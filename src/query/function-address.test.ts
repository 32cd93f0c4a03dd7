import { describe, expect, it } from 'vitest';
import { UsageError } from '../base/errors.ts';
import { parseFunctionAddresses } from './function-address.ts';

describe('function+offset/size', () => {
  it.each([
    ['nfs_updatepage+0x997/0xd40', { name: 'nfs_updatepage', offset: 0x997, size: 0xd40, exact: false }],
    ['schedule+16', { name: 'schedule', offset: 16, size: undefined, module: undefined }],
    ['foo.isra.0+0x1/0x10 [nfs]', { name: 'foo.isra.0', offset: 1, size: 16, module: 'nfs' }],
    ['foo+0x1/0x10 [nfs 0123456789abcdef]', { module: 'nfs' }],
    ['foo+0x1/0x10 [nfs(OE)]', { module: 'nfs' }],
    ['RIP: 0010:_raw_spin_lock+0x13/0x30', { name: '_raw_spin_lock', offset: 0x13, size: 0x30, exact: true }],
    ['[    5.8] RIP: 0010:foo+0x13/0x30 [nfs]', { name: 'foo', exact: true, module: 'nfs' }],
    ['[  5.805862]  ? vfs_write+0x2c5/0x3e0', { name: 'vfs_write', offset: 0x2c5, exact: false }],
  ])('%s', (text, expected) => {
    const [found, ...more] = parseFunctionAddresses(text.split(' '));
    expect(found).toMatchObject(expected);
    expect(more).toEqual([]);
  });

  it('takes several, and a whole call trace', () => {
    const text = 'Call Trace: <TASK> a+0x1/0x2 [m] b+3/4 ? c+5 </TASK> RIP: 0033:0x4307f0';
    expect(parseFunctionAddresses(text.split(' ')).map(({ name, offset, module }) => [name, offset, module])).toEqual([
      ['a', 1, 'm'],
      ['b', 3, undefined],
      ['c', 5, undefined],
    ]);
  });

  it.each(['', 'schedule', 'schedule+', 'schedule+zz', 'schedule+0x', 'a+1/2/3', 'a+-1', '0x123', 'a+1+2'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseFunctionAddresses(text.split(' '))).toThrow(UsageError);
    },
  );
});
