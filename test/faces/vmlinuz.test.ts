/** `vmscope vmlinuz vmcore`: either order, the same stack, and what is missing is said. */

import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useProgram, vmcore, vmlinux } from './program.ts';

const program = useProgram();
const image = join(dirname(realpathSync(vmlinux)), 'vmlinuz');

const frames = (text: string): string[] => text.split('\n').filter((line) => /^ *#\d+ \[/.test(line));

describe('a kernel image in place of the vmlinux', () => {
  it('gives the same frames, whichever is named first', async () => {
    const whole = await program.run([vmlinux, vmcore, '-c', 'bt']);
    for (const words of [
      [image, vmcore],
      [vmcore, image],
    ]) {
      const run = await program.run([...words, '-c', 'bt']);
      expect(run).toMatchObject({ status: 0, stderr: '' });
      expect(frames(run.stdout)).toEqual(frames(whole.stdout));
      expect(run.stdout).toContain('has no DWARF');
    }
  });

  it('is refused beside a vmlinux', async () => {
    const run = await program.run([image, vmlinux, vmcore, '-c', 'bt']);
    expect(run.status).toBe(3);
    expect(run.stderr).toContain('name one of them');
  });
});
