/** Which file is taken for a module: by build-id, debug link, name; which is refused; what stays in its folder. */

import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { debugFile, type DebugFileSpec } from '../../test/builders/debug-file.ts';
import { memoryHost } from '../../test/builders/host.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { NeedResource, OpenError } from '../base/errors.ts';
import { ModuleFiles, type ModulePlaces } from './module-files.ts';
import type { WantedModule } from './module-file.ts';
import { modulePlaces } from './module-places.ts';

const OWN = 'aa'.repeat(20);
const OTHER = 'bb'.repeat(20);

function ko(spec: Partial<DebugFileSpec> = {}): Uint8Array {
  return debugFile({ buildId: OWN, ...spec });
}

function filesOf(files: Readonly<Record<string, Uint8Array>>, places: Partial<ModulePlaces> = {}): ModuleFiles {
  return new ModuleFiles(memoryHost(new Map(Object.entries(files))), {
    release: '6.1.0-9-amd64',
    debugRoots: ['/debug'],
    debuginfod: true,
    folders: [
      { path: '/mod', deep: true },
      { path: '/lib/modules/6.1.0-9-amd64', deep: true },
    ],
    ...places,
  });
}

const nfs: WantedModule = { name: 'nfs', buildId: OWN, srcversion: undefined };
const pathOf = (files: ModuleFiles, wanted: WantedModule = nfs): string | undefined => files.find(wanted)?.file.path;

describe('the file of a module', () => {
  const byId = `/debug/.build-id/aa/${OWN.slice(2)}.debug`;

  it('is found by build-id before names', () => {
    expect(pathOf(filesOf({ '/mod/nfs.ko': ko(), [byId]: ko() }))).toBe(byId);
    expect(pathOf(filesOf({ '/mod/nfs.ko': ko(), [byId]: ko({ buildId: OTHER }) }))).toBe('/mod/nfs.ko');
  });

  it('is found by the debug link of a stripped file, by CRC where it has no build-id', () => {
    const debug = ko();
    const stripped = (crc: number): Uint8Array => ko({ dwarf: false, debuglink: { name: 'nfs.debug', crc } });
    for (const place of ['/mod/nfs.debug', '/mod/.debug/nfs.debug', '/debug/mod/nfs.debug'])
      expect(pathOf(filesOf({ '/mod/nfs.ko': stripped(0), [place]: debug })), place).toBe(place);
    const bare = ko({ buildId: '' });
    const anonymous = (crc: number): ModuleFiles =>
      filesOf({
        '/mod/nfs.ko': ko({ buildId: '', dwarf: false, debuglink: { name: 'nfs.debug', crc } }),
        '/mod/nfs.debug': bare,
      });
    const unknown = { ...nfs, buildId: undefined };
    expect(pathOf(anonymous(crc32Of(bare)), unknown)).toBe('/mod/nfs.debug');
    expect(pathOf(anonymous(1), unknown)).toBe('/mod/nfs.ko');
  });

  it('is never outside the folders, whatever a debug link or a module is called', () => {
    const link = { name: '../secret.ko', crc: 0 };
    const files = filesOf({ '/mod/nfs.ko': ko({ dwarf: false, debuglink: link }), '/secret.ko': ko(), '/x.ko': ko() });
    expect(pathOf(files)).toBe('/mod/nfs.ko');
    for (const name of ['../x', '/x', '../../x', 'nfs/../x', '', '.'])
      expect(pathOf(files, { ...nfs, name })).toBeUndefined();
    for (const release of ['../..', '..', 'a/b', '']) {
      const { folders } = modulePlaces('/k/vmlinux', '/d/vmcore', release, { debugFolders: [], moduleFolders: [] });
      expect(folders.filter(({ path }) => path.includes('lib/modules') || path.includes('..'))).toEqual([]);
    }
  });

  it('is found by name, with _ and - the same, in the order of the folders', () => {
    expect(pathOf(filesOf({ '/mod/a/snd-hda-intel.ko': ko() }), { ...nfs, name: 'snd_hda_intel' })).toBe(
      '/mod/a/snd-hda-intel.ko',
    );
    const tree = '/lib/modules/6.1.0-9-amd64/kernel/fs/nfs';
    expect(pathOf(filesOf({ [`${tree}/nfs.ko`]: ko(), '/mod/nfs.ko.debug': ko() }))).toBe('/mod/nfs.ko.debug');
    expect(pathOf(filesOf({ [`${tree}/nfs.ko`]: ko(), '/mod/nfs.ko': ko({ dwarf: false }) }))).toBe(`${tree}/nfs.ko`);
    expect(pathOf(filesOf({ '/mod/nfs.ko': ko({ dwarf: false }) }))).toBe('/mod/nfs.ko');
    expect(pathOf(filesOf({ '/mod/nfs.txt': ko(), '/mod/xnfs.ko': ko() }))).toBeUndefined();
  });

  it('comes from updates before kernel', () => {
    const { folders } = modulePlaces('/k/vmlinux', '/d/vmcore', '6.1', { debugFolders: ['/g'], moduleFolders: ['/m'] });
    const paths = folders.map(({ path }) => path);
    expect(paths.slice(0, 3)).toEqual(['/m/updates', '/m/extra', '/m']);
    expect(paths.indexOf('/lib/modules/6.1/updates')).toBeLessThan(paths.indexOf('/lib/modules/6.1'));
    expect(paths.indexOf('/d')).toBeLessThan(paths.indexOf('/usr/lib/debug/lib/modules/6.1'));
    expect(paths).toContain('/g/usr/lib/modules/6.1');
  });

  it('of another build is refused, with both build-ids', () => {
    const files = filesOf({ '/mod/nfs.ko': ko({ buildId: OTHER }) });
    const { found, refusals } = files.search(nfs);
    expect(found).toBeUndefined();
    expect(refusals).toHaveLength(1);
    for (const text of ['/mod/nfs.ko', OWN, OTHER]) expect(refusals[0]).toContain(text);
    expect(() => files.open('/mod/nfs.ko', nfs)).toThrow(OpenError);
    expect(() => files.open('/mod/nfs.ko', nfs)).toThrow(OTHER);
    expect(() => files.open('/absent.ko', nfs)).toThrow('/absent.ko: no such file');
  });

  it('without a build-id is taken only where the user names it, and marked', () => {
    const files = filesOf({ '/mod/nfs.ko': ko({ buildId: '' }) });
    expect(files.search(nfs)).toMatchObject({ found: undefined, refusals: [expect.stringContaining('no build-id')] });
    expect(files.open('/mod/nfs.ko', nfs).proof).toBe('name');
  });

  it('is proved by srcversion, name and release where the dump has no build-id', () => {
    const unknown: WantedModule = { name: 'nfs', buildId: undefined, srcversion: 'ABC' };
    const proof = (...modinfo: string[]): string | undefined =>
      filesOf({ '/mod/nfs.ko': ko({ modinfo }) }).find(unknown)?.proof;
    expect(proof('srcversion=ABC')).toBe('srcversion');
    expect(proof('srcversion=ABD')).toBeUndefined();
    expect(proof('name=nfs', 'vermagic=6.1.0-9-amd64 SMP preempt')).toBe('name');
    expect(proof('name=nfs', 'vermagic=6.1.0-10-amd64 SMP preempt')).toBeUndefined();
    expect(proof('name=nfsd')).toBeUndefined();
    const two = { '/mod/a/nfs.ko': ko({ modinfo: [] }), '/mod/b/nfs.ko': ko({ modinfo: ['srcversion=ABC'] }) };
    expect(pathOf(filesOf(two), unknown)).toBe('/mod/b/nfs.ko');
  });

  it('that is packed is known by its first bytes, and unpacked only when it is wanted', () => {
    const files: Record<string, Uint8Array> = {
      '/mod/nfs.ko': Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0),
      '/mod/lockd.ko.xz': ko(),
    };
    const host = memoryHost(new Map(Object.entries(files)));
    const asked: string[] = [];
    host.unpackFile = (path, codec) => {
      asked.push(`${codec} ${path}`);
      throw new NeedResource({ kind: 'unpacked-file', path, codec, onDisk: false });
    };
    const places: ModulePlaces = {
      release: undefined,
      debugRoots: [],
      folders: [{ path: '/mod', deep: true }],
      debuginfod: true,
    };
    const modules = new ModuleFiles(host, places);
    expect(modules.search(nfs, false)).toMatchObject({ found: undefined, packed: '/mod/nfs.ko' });
    expect(asked).toEqual([]);
    expect(() => modules.find(nfs)).toThrow(NeedResource);
    expect(asked).toEqual(['zst /mod/nfs.ko']);
    expect(modules.find({ ...nfs, name: 'lockd' })?.file.path).toBe('/mod/lockd.ko.xz');
    host.unpackFile = (path) => {
      throw new OpenError(`${path}: is cut off`);
    };
    expect(modules.search(nfs).refusals).toEqual(['/mod/nfs.ko: is cut off']);
  });

  it('is fetched by its build-id where nothing else suffices and that is allowed', () => {
    const asked: string[] = [];
    const host = memoryHost(
      new Map([
        ['/mod/nfs.ko', ko({ dwarf: false })],
        ['/mod/lockd.ko', ko({ buildId: OTHER })],
        ['/fetched', ko()],
      ]),
    );
    host.fetchDebugFile = (buildId) => {
      asked.push(buildId);
      return buildId === OWN ? { path: '/fetched' } : { problem: 'the servers have none', asked: true };
    };
    const files = new ModuleFiles(host, {
      release: undefined,
      debugRoots: [],
      debuginfod: true,
      folders: [{ path: '/mod', deep: true }],
    });
    expect(files.search(nfs, false).found?.file.path).toBe('/mod/nfs.ko');
    expect(asked).toEqual([]);
    expect(files.find(nfs)?.file.path).toBe('/fetched');
    expect(files.find({ ...nfs, name: 'lockd', buildId: OTHER })?.file.path).toBe('/mod/lockd.ko');
    expect(asked).toEqual([OWN]);
    expect(files.search({ ...nfs, buildId: 'cc'.repeat(20) }).refusals.at(-1)).toBe(
      'debuginfod: the servers have none',
    );
    files.search({ ...nfs, buildId: '../../etc' });
    new ModuleFiles(host, { release: undefined, debugRoots: [], folders: [], debuginfod: false }).search(nfs);
    expect(asked).toEqual([OWN, 'cc'.repeat(20)]);
  });

  it('that is damaged costs that file', () => {
    const whole = ko();
    const files = filesOf({
      '/mod/a/nfs.ko': whole.slice(0, 40),
      '/mod/b/nfs.ko': whole.slice(0, -30),
      '/mod/c/nfs.ko': whole,
    });
    expect(files.search(nfs)).toMatchObject({ found: { file: { path: '/mod/c/nfs.ko' } } });
    expect(files.search(nfs).refusals).toHaveLength(2);
    expect(filesOf({ '/mod/nfs.ko': new Uint8Array(0) }).search(nfs).refusals).toEqual(['/mod/nfs.ko: is empty']);
  });

  it('whatever its bytes, never does worse than not to be taken', () => {
    const stripped = ko({
      dwarf: false,
      modinfo: ['name=nfs', 'srcversion=ABC'],
      debuglink: { name: 'x.debug', crc: 5 },
    });
    mutationRun(stripped, 2000, (bytes) => {
      const files = filesOf({ '/mod/nfs.ko': bytes, '/mod/x.debug': ko({ buildId: '' }) });
      for (const buildId of [OWN, undefined]) files.search({ name: 'nfs', buildId, srcversion: 'ABC' });
    });
  });

  it('is looked for in one folder where the user names one', () => {
    const files = filesOf({ '/mod/nfs.ko': ko(), '/there/deep/nfs.ko': ko() });
    expect(files.searchIn('/there', nfs).found?.file.path).toBe('/there/deep/nfs.ko');
    expect(files.searchIn('/elsewhere', nfs).found).toBeUndefined();
    expect([files.holdsAny('/there'), files.holdsAny('/elsewhere')]).toEqual([true, false]);
  });
});

function crc32Of(bytes: Uint8Array): number {
  return crc32(bytes);
}
