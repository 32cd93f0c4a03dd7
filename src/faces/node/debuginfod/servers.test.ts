import { expect, it } from 'vitest';
import { parseArguments } from '../arguments.ts';
import { debuginfodServers } from './servers.ts';

const URLS = { DEBUGINFOD_URLS: ' http://a.example/  ima:enforcing https://b.example ima:ignore' };

it('servers are asked only where the user allows it, and those that the user names', () => {
  expect(debuginfodServers(undefined, {})).toEqual([]);
  expect(debuginfodServers(undefined, { DEBUGINFOD_URLS: ' ' })).toEqual([]);
  expect(debuginfodServers(undefined, URLS)).toEqual(['http://a.example/', 'https://b.example']);
  expect(debuginfodServers('', URLS)).toEqual(['http://a.example/', 'https://b.example']);
  expect(debuginfodServers('', {})).toEqual(['https://debuginfod.elfutils.org']);
  expect(debuginfodServers('http://c.example http://d.example', URLS)).toEqual([
    'http://c.example',
    'http://d.example',
  ]);
});

it('on the command line they stand behind "="', () => {
  const optionOf = (...words: string[]): unknown => {
    const parsed = parseArguments(words);
    return parsed.kind === 'open' ? parsed.options.debuginfod : parsed;
  };
  expect(optionOf('vmcore')).toBeUndefined();
  expect(optionOf('--debuginfod', 'vmcore')).toBe('');
  expect(optionOf('--debuginfod=http://a.example', 'vmcore')).toBe('http://a.example');
  expect(optionOf('--debuginfod', 'http://a.example', 'vmcore')).toMatchObject({
    kind: 'wrong',
    message: expect.stringContaining('--debuginfod=http://a.example'),
  });
});
