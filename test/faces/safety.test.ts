/** A folder and files of a stranger: nothing in them is run, and no name in them leads elsewhere. */

import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { useProgram, vmcore, vmlinux } from './program.ts';

const program = useProgram();
const configurations = ['.crashrc', '.vmscoperc', '.vmscope', '.drgnrc', '.gdbinit', '.inputrc', 'vmscope.config.js'];
/** What vmscope may start, and what a shell would take for it where the folder is in its way. */
const programs = ['sh', 'less', 'more', 'xz', 'zstd', 'gzip', 'node', 'makedumpfile', 'crash', 'objdump'];

describe('a folder with a dump in it', () => {
  let folder = '';
  beforeAll(() => {
    folder = join(program.folder, 'from a stranger');
    mkdirSync(join(folder, 'node_modules', 'iced-x86'), { recursive: true });
    symlinkSync(vmcore, join(folder, 'vmcore'));
    symlinkSync(vmlinux, join(folder, 'vmlinux'));
    const lines = '!touch owned\nbt | touch owned\nsys > owned\n';
    for (const name of configurations) writeFileSync(join(folder, name), lines);
    writeFileSync(join(folder, 'package.json'), '{"type":"module","imports":{"#x":"./x.js"}}');
    writeFileSync(join(folder, 'node_modules', 'iced-x86', 'index.js'), "require('fs').writeFileSync('owned', '')");
    for (const name of programs) {
      writeFileSync(join(folder, name), '#!/bin/sh\ntouch owned\n');
      chmodSync(join(folder, name), 0o755);
    }
  });

  it('is searched for debug files, and nothing in it is run', async () => {
    const before = readdirSync(folder).sort();
    const { status, stdout } = await program.run(['vmcore', '-c', 'sys; bt; mod; dis schedule 3'], { cwd: folder });
    expect(status).toBe(0);
    expect(stdout).toContain('KERNEL: ./vmlinux');
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it('runs nothing either where it is the home folder and commands come from standard input', async () => {
    const before = readdirSync(folder).sort();
    const env = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_STATE_HOME: join(program.folder, 'state') };
    const { status } = await program.run(['vmcore'], { cwd: folder, env, input: 'set\n' });
    expect(status).toBe(0);
    expect(existsSync(join(folder, 'owned'))).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(before);
  });
});

describe('a file name', () => {
  it('is shown, and sends nothing to the terminal', async () => {
    const name = join(program.folder, 'dump\u001b[31m\u0007\u009b\u202e$(touch owned)');
    writeFileSync(name, 'no dump');
    const { status, stderr } = await program.run([name, '-c', 'sys'], { cwd: program.folder });
    expect(status).toBe(3);
    expect(stderr).toContain('dump\\x1b[31m\\x07\\x9b\\u202e$(touch owned)');
    // oxlint-disable-next-line no-control-regex -- what a terminal would obey
    expect(stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(existsSync(join(program.folder, 'owned'))).toBe(false);
  });
});
