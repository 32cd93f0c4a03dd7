/**
 * `log` against the console of the same boot. The console lacks what is below its level and repeats the time stamp on
 * the later lines of a message (kernel-facts.md); the guests print every level, so only the stamps are normalised.
 */

import { describe, expect, it } from 'vitest';
import { Fixture, fixtureNames } from './fixture.ts';

const stamp = /^\[ *(\d+\.\d+)\] /;

/** The messages of a console: lines with a time stamp, without carriage returns. */
function consoleLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/\r/g, ''))
    .filter((line) => stamp.test(line));
}

/** The log's lines as a console prints them: the stamp on each. */
function logLines(lines: readonly string[]): string[] {
  let prefix = '';
  return lines.map((line) => {
    const found = stamp.exec(line)?.[0];
    if (found !== undefined) prefix = found;
    return found === undefined ? prefix + line.slice(prefix.length) : line;
  });
}

describe.each(fixtureNames)('log of %s', (name) => {
  const fixture = new Fixture(name);
  it('equals the console of the same boot', () => {
    expect(logLines(fixture.run('log'))).toEqual(consoleLines(fixture.console));
  });
});
