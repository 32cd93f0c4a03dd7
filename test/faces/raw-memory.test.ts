/** rd -r: bytes of the dump in a file of the user's. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useProgram, vmcore } from './program.ts';

const program = useProgram();

describe('rd -r', () => {
  it('writes a new file, in text and in JSON, and no other', async () => {
    const cwd = program.folder;
    const run = await program.run([vmcore, '-c', 'rd -r banner.bin linux_banner 100; rd -a linux_banner'], { cwd });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(run.stdout).toMatch(/^100 bytes copied from 0xf[0-9a-f]{15} to banner\.bin\n/);
    const bytes = readFileSync(join(cwd, 'banner.bin'));
    expect(bytes).toHaveLength(100);
    expect(run.stdout).toContain(bytes.subarray(0, 60).toString('latin1'));

    const json = await program.run([vmcore, '--json', '-c', 'rd -r json.bin linux_banner -e linux_banner+10'], { cwd });
    expect(JSON.parse(json.stdout)).toMatchObject({
      type: 'raw-memory',
      ok: true,
      result: [{ path: 'json.bin', bytes: 10 }],
    });
    expect(readFileSync(join(cwd, 'json.bin'))).toEqual(bytes.subarray(0, 10));

    writeFileSync(join(cwd, 'mine'), 'kept');
    const again = await program.run([vmcore, '-c', 'rd -r mine linux_banner 8'], { cwd });
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toBe('rd: mine is there already; it is not written over\n');
    expect(readFileSync(join(cwd, 'mine'), 'utf8')).toBe('kept');
  });

  it('writes nothing where not all can be read, or where the file cannot be made', async () => {
    const cwd = program.folder;
    const hole = await program.run([vmcore, '-c', 'rd -r hole.bin -p 0xfffff000 8192'], { cwd });
    expect(hole.status).toBe(1);
    expect(hole.stderr).toMatch(/cannot read physical address/);
    expect(existsSync(join(cwd, 'hole.bin'))).toBe(false);
    const nowhere = await program.run([vmcore, '-c', 'rd -r no/such/file linux_banner 8'], { cwd });
    expect(nowhere.stderr).toBe('rd: cannot write no/such/file: no such file or folder\n');
  });
});
