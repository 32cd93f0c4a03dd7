/** Nearest names. */

import { describe, expect, it } from 'vitest';
import { nearestNames } from './suggest.ts';

describe('nearestNames', () => {
  it('finds swapped, missing and wrong letters', () => {
    expect(nearestNames('lgo', ['log', 'mod', 'ps'])).toEqual(['log']);
    expect(nearestNames('forech', ['foreach', 'help'])).toEqual(['foreach']);
    expect(nearestNames('vfs_wrote', ['vfs_write', 'vfs_read'])).toEqual(['vfs_write']);
  });

  it('puts the nearest first, then by name, and no more than asked for', () => {
    expect(nearestNames('abcdef', ['abcxyf', 'abcdeg', 'abcdef', 'abcdeh'], 3)).toEqual(['abcdef', 'abcdeg', 'abcdeh']);
  });

  it('names each once', () => {
    expect(nearestNames('lgo', ['log', 'log', 'log'])).toEqual(['log']);
  });

  it('knows a name by its underscores', () => {
    expect(nearestNames('state', ['stats', '__state', 'on_state'])).toEqual(['__state', 'stats']);
    expect(nearestNames('__schedule', ['schedule'])).toEqual(['schedule']);
  });

  it('offers nothing for what is too short', () => {
    expect(nearestNames('A', ['g', 'g', 'i'])).toEqual([]);
  });

  it('offers nothing that is far', () => {
    expect(nearestNames('ps', ['vtop', 'rd', 'sys'])).not.toContain('vtop');
    expect(nearestNames('qqqqqq', ['foreach'])).toEqual([]);
    expect(nearestNames('', ['bt'])).toEqual([]);
  });
});
