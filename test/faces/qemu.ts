/** A real QEMU that runs the boot sector of test/builders, or waits at its first instruction. Ends with the test. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootSector } from '../builders/boot-sector.ts';

const PATIENCE = 30_000;

export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${PATIENCE / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class RealQemu implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'vmscope-qemu-'));
  readonly qmp = join(this.folder, 'qmp');
  readonly #child: ChildProcess;
  #stderr = '';

  private constructor(more: readonly string[]) {
    chmodSync(this.folder, 0o755);
    const boot = join(this.folder, 'boot');
    writeFileSync(boot, bootSector());
    const options = [
      ['-nodefaults', '-display', 'none', '-accel', 'tcg', '-m', '64M', '-device', 'vmcoreinfo'],
      ['-drive', `file=${boot},format=raw,if=floppy,readonly=on`, '-debugcon', `file:${this.#console}`],
      ['-qmp', `unix:${this.qmp},server=on,wait=off`],
      more,
    ].flat();
    this.#child = spawn('qemu-system-x86_64', options, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.once('error', (error) => (this.#stderr += error.message));
    this.#child.stderr?.on('data', (data: Buffer) => (this.#stderr += data.toString()));
  }

  get #console(): string {
    return join(this.folder, 'console');
  }

  /** Ready when the guest has filled its memory, or when it is there, where it is not to run. */
  static async start(...more: readonly string[]): Promise<RealQemu> {
    const qemu = new RealQemu(more);
    try {
      await until(() => {
        if (qemu.#child.exitCode !== null || qemu.#child.pid === undefined)
          throw new Error(`QEMU does not run: ${qemu.#stderr}`);
        if (!existsSync(qemu.qmp) || !existsSync(qemu.#console)) return false;
        return more.includes('-S') || readFileSync(qemu.#console, 'utf8') === '!';
      }, 'a guest');
      return qemu;
    } catch (error) {
      await qemu[Symbol.asyncDispose]();
      throw error;
    }
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Lets QEMU run a tenth of the time, so that what it does is not over before it was looked at. */
  slowDown(): { end(): void } {
    const turns = ['SIGCONT', ...Array.from({ length: 9 }, () => 'SIGSTOP' as const)] as const;
    let turn = 0;
    const timer = setInterval(() => this.#child.kill(turns[turn++ % turns.length]), 10).unref();
    const end = (): void => {
      clearInterval(timer);
      this.#child.kill('SIGCONT');
    };
    return { end };
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
