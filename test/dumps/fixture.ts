/** Real dumps and what the oracles said of them: made by `npm run fixtures` and `npm run oracles`. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { Session } from '../../src/commands/session.ts';
import { parseLine } from '../../src/commands/line.ts';
import { invocationOf, runCommand } from '../../src/commands/run.ts';
import { virtAddr } from '../../src/base/addr.ts';
import { Task } from '../../src/kernel/tasks.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { startZstd } from '../../src/faces/node/zstd.ts';
import { renderAll } from '../../src/render/text/index.ts';
import { openTarget, type Target } from '../../src/target/target.ts';

export const fixtureNames = [
  'nfs',
  'nfs-4level',
  'nfs-4level-paging',
  'nfs-plain',
  'deref',
  'deadlock',
  'sysrq-6.12',
  'sysrq-7.2',
] as const;
/** Dumps whose stacks, tasks and logs are of interest: the rest is as in those of the same kernel. */
export const stoppedFixtureNames = ['kdump-6.1', 'kdump-6.12', 'kdump-7.2', 'hang'] as const;
/** Dumps that only some tests ask: the others would ask them what they ask those of the same kernel. */
export const specialFixtureNames = ['slub-debug'] as const;
export type FixtureName =
  | (typeof fixtureNames)[number]
  | (typeof stoppedFixtureNames)[number]
  | (typeof specialFixtureNames)[number];

export interface DrgnFrame {
  readonly pc: string;
  readonly sp: string | null;
  readonly name: string | null;
  readonly function: string | null;
  readonly symbol: string | null;
  readonly inlined: boolean;
  readonly interrupted: boolean;
  readonly file: string | null;
  readonly line: number | null;
  /** `value`: of a number in decimal, of an object its address, of an error the message. */
  readonly locals: readonly {
    readonly name: string;
    readonly kind: 'absent' | 'number' | 'object' | 'error';
    readonly value?: string | null;
  }[];
}

export interface DrgnTask {
  readonly task: string;
  readonly pid: number;
  readonly comm: string;
  readonly cpu: number;
  readonly state: string;
  readonly onCpu: boolean;
  readonly frames: readonly DrgnFrame[];
}

export interface DrgnSlab {
  readonly caches: readonly {
    readonly address: string;
    readonly name: string;
    readonly size: number;
    readonly objectSize: number;
    readonly merged: boolean;
    readonly usage: { readonly num_slabs: number; readonly num_objs: number; readonly free_objs: number };
  }[];
  /** The name of the cache that each other name stands for. */
  readonly aliases: Readonly<Record<string, string>>;
  /** How many pages are the first of a slab, and how many are another. */
  readonly heads: number;
  readonly tails: number;
  readonly objects: readonly {
    readonly address: string;
    readonly cache: string;
    readonly object: string;
    readonly slab: string;
    readonly allocated: boolean | null;
  }[];
}

export interface DrgnVmapArea {
  readonly address: string;
  readonly start: string;
  readonly end: string;
  readonly vm: string;
  readonly caller: string | null;
  readonly pages: number | null;
}

export interface DrgnFacts {
  readonly release: string;
  readonly onlineCpus: readonly number[];
  readonly modules: readonly { readonly name: string; readonly base: string }[];
  readonly structs: Readonly<
    Record<string, { readonly size: number; readonly bitOffsets: Readonly<Record<string, number>> }>
  >;
  /** Every number of an object by its path, by the C expression of the object. */
  readonly objects: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly log: readonly {
    readonly sequence: number;
    readonly timestampNs: number;
    readonly level: number;
    readonly text: string;
  }[];
  readonly tasks: readonly DrgnTask[];
  readonly slab: DrgnSlab;
  readonly vmapAreas: readonly DrgnVmapArea[];
}

const cache = `${process.env['XDG_CACHE_HOME'] ?? `${homedir()}/.cache`}/vmscope/fixtures`;
const sessions = new Map<string, Session>();
const sessionsAlone = new Map<string, Session>();
const unzstd = await startZstd();
const host = newHost();

export class Fixture {
  readonly name: FixtureName;
  readonly folder: string;

  constructor(name: FixtureName) {
    this.name = name;
    this.folder = `${cache}/${name}`;
  }

  get session(): Session {
    let session = sessions.get(this.name);
    if (session === undefined) {
      const target = openTarget(host, {
        dumps: [`${this.folder}/vmcore`],
        vmlinux: undefined,
        debugFolders: [],
        moduleFolders: [],
      });
      session = new Session(target);
      sessions.set(this.name, session);
    }
    return session;
  }

  /**
   * Makes the task current that crash began with. Where nothing panicked that is the idle task of the first CPU,
   * whatever ran there.
   */
  standWithCrash(): void {
    const task = /TASK: ([0-9a-f]{16})/.exec(this.crash('set') ?? '')?.[1];
    if (task !== undefined) this.session.current = new Task(this.session.kernel, virtAddr(BigInt(`0x${task}`)));
  }

  /** The dump by itself: no vmlinux and no module file is looked for. */
  get alone(): Session {
    let session = sessionsAlone.get(this.name);
    if (session === undefined) {
      session = new Session(openAlone(`${this.folder}/vmcore`));
      sessionsAlone.set(this.name, session);
    }
    return session;
  }

  /** Names of the same memory's other forms; the parts of a split one go together. */
  get containers(): ReadonlyMap<string, readonly string[]> {
    const files = new Map<string, string[]>();
    for (const file of readdirSync(`${this.folder}/containers`).sort()) {
      const name = file.replace(/\.\d+$/, '');
      files.set(name, [...(files.get(name) ?? []), `${this.folder}/containers/${file}`]);
    }
    return files;
  }

  get console(): string {
    return readFileSync(`${this.folder}/console.log`, 'utf8');
  }

  /** What drgn said; undefined where it cannot open the dump. */
  get drgn(): DrgnFacts | undefined {
    const facts: unknown = JSON.parse(readFileSync(`${this.folder}/oracle/drgn.json`, 'utf8'));
    return typeof facts === 'object' && facts !== null && 'tasks' in facts ? (facts as DrgnFacts) : undefined; // oxlint-disable-line no-unsafe-type-assertion -- our own oracle's JSON
  }

  /** The text crash printed for a command; undefined where it cannot open the dump. */
  crash(command: string): string | undefined {
    const index = `${this.folder}/oracle/crash/commands.json`;
    if (!existsSync(index)) return undefined;
    const files: Record<string, string> = JSON.parse(readFileSync(index, 'utf8'));
    const file = files[command];
    if (file === undefined) throw new Error(`crash was not asked "${command}" on ${this.name}`);
    return readFileSync(`${this.folder}/oracle/crash/${file}`, 'utf8');
  }

  /** Every command crash was asked. */
  crashCommands(): string[] {
    const index = `${this.folder}/oracle/crash/commands.json`;
    return existsSync(index) ? Object.keys(JSON.parse(readFileSync(index, 'utf8'))) : [];
  }

  /** The text of a command line, as a user would see it. */
  run(line: string, session = this.session): string[] {
    const parsed = parseLine(line);
    if (parsed.kind !== 'command') return [];
    return [...renderAll(runCommand(session, invocationOf(parsed.words)))];
  }
}

/** A host that has every codec a fixture needs. */
export function newHost(): NodeHost {
  const made = new NodeHost();
  made.useZstd(unzstd);
  return made;
}

export function openAlone(dump: string, on = host): Target {
  return openTarget(on, {
    dumps: [dump],
    vmlinux: undefined,
    lookForFiles: false,
    debugFolders: [],
    moduleFolders: [],
  });
}

/** Makes a host count what is read of its files. Gives the number of bytes up to now. */
export function countBytes(counted: NodeHost): () => number {
  let bytes = 0;
  const open = counted.open.bind(counted);
  counted.open = (path) => {
    const file = open(path);
    if (file === undefined) return undefined;
    return {
      path: file.path,
      size: file.size,
      close: () => file.close(),
      readInto: (offset, target) => {
        const count = file.readInto(offset, target);
        bytes += count;
        return count;
      },
    };
  };
  return () => bytes;
}
