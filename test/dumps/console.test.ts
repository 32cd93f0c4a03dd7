/**
 * `log` against the console of the same boot. The console lacks what is below its level and repeats the time stamp on
 * the later lines of a message (kernel-facts.md); the guests print every level, so only the stamps are normalised.
 */

import { describe, expect, it } from 'vitest';
import { Fixture, fixtureNames, stoppedFixtureNames } from './fixture.ts';

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

describe.each([...fixtureNames, ...stoppedFixtureNames])('log of %s', (name) => {
  const fixture = new Fixture(name);
  it('equals the console of the same boot', () => {
    expect(logLines(fixture.run('log'))).toEqual(consoleLines(fixture.console));
  });
});

/** The kernel's own last stack on the console, without the lines it doubts ("?"): function+offset, outermost last. */
function consoleTrace(text: string): string[] {
  const trace = text.slice(text.lastIndexOf('Call Trace:'));
  const lines = trace.slice(0, trace.indexOf('</TASK>')).split('\n');
  return lines.flatMap((line) => /\]  ([\w.]+)\+(0x[0-9a-f]+)\/0x[0-9a-f]+/.exec(line)?.slice(1, 3).join('+') ?? []);
}

describe.each([...fixtureNames, ...stoppedFixtureNames].filter((name) => name !== 'deadlock'))('bt of %s', (name) => {
  const fixture = new Fixture(name);
  it("ends in the kernel's own call trace, function by function and byte by byte", () => {
    const lines = fixture.run('bt -s -x');
    // The console has an interrupted function in a line of its own, with the registers.
    const called = lines.filter((_, index) => lines[index + 1]?.includes('[exception RIP:') !== true);
    const ours = called.flatMap((line) => /^ *#\d+ \[\w+\] (\S+) at/.exec(line)?.[1] ?? []);
    // What panic() itself called has changed since it printed the trace.
    const trace = consoleTrace(fixture.console);
    const common = trace.slice(trace.findLastIndex((frame) => /^(v?panic|dump_stack\w*)\+/.test(frame)) + 1);
    expect(common.length).toBeGreaterThan(5);
    expect(ours.slice(-common.length)).toEqual(common);
  });
});
