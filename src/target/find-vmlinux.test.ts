/** Where a vmlinux is looked for, what is taken, what is refused and said, and what stays in the folders searched. */

import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { debugFile, type DebugFileSpec } from '../../test/builders/debug-file.ts';
import { memoryHost } from '../../test/builders/host.ts';
import { mutationRun } from '../../test/builders/mutate.ts';
import { NeedResource, OpenError } from '../base/errors.ts';
import type { Host } from '../base/host.ts';
import { ET_EXEC } from '../formats/elf/constants.ts';
import { findVmlinux, type VmlinuxSearch } from './find-vmlinux.ts';
import { howToGetDebugInfo, missingVmlinuxText } from './missing-vmlinux.ts';
import type { WantedKernel } from './vmlinux-places.ts';

const OWN = 'aa'.repeat(20);
const OTHER = 'bb'.repeat(20);
const RELEASE = '6.1.0-9-amd64';
const XZ = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0);
const wanted: WantedKernel = { dump: '/dumps/vmcore', buildId: OWN, release: RELEASE };

function kernel(spec: Partial<DebugFileSpec> = {}): Uint8Array {
  return debugFile({ buildId: OWN, type: ET_EXEC, ...spec });
}

function hostOf(files: Readonly<Record<string, Uint8Array>>, environment: Readonly<Record<string, string>> = {}): Host {
  return { ...memoryHost(new Map(Object.entries(files))), environment: (name) => environment[name] };
}

const pathsOf = ({ candidates }: VmlinuxSearch): string[] => candidates.map(({ elf }) => elf.source.name);
const search = (files: Readonly<Record<string, Uint8Array>>, kernelWanted = wanted): VmlinuxSearch =>
  findVmlinux(kernelWanted, hostOf(files), ['/mine']);

describe('a vmlinux is found', () => {
  it.each([
    `/mine/vmlinux`,
    `/mine/vmlinux-of-a-customer`,
    `/mine/.build-id/aa/${OWN.slice(2)}.debug`,
    `/mine/lib/modules/${RELEASE}/vmlinux`,
    `/mine/usr/lib/debug/boot/vmlinux-${RELEASE}`,
    `/mine/usr/lib/debug/.build-id/aa/${OWN.slice(2)}.debug`,
    `/usr/lib/debug/.build-id/aa/${OWN.slice(2)}.debug`,
    `/usr/lib/debug/boot/vmlinux-${RELEASE}`,
    `/usr/lib/debug/boot/vmlinux-${RELEASE}.debug`,
    `/usr/lib/debug/lib/modules/${RELEASE}/vmlinux`,
    `/usr/lib/debug/usr/lib/modules/${RELEASE}/vmlinux.debug`,
    `/lib/modules/${RELEASE}/build/vmlinux`,
    `/usr/lib/modules/${RELEASE}/build/vmlinux`,
    `/boot/vmlinux-${RELEASE}`,
    '/dumps/vmlinux',
    `/dumps/vmlinux-${RELEASE}`,
    '/dumps/vmlinux.old',
  ])('as %s', (path) => {
    const decoys = { '/mine/vmlinux-x': kernel({ buildId: OTHER }), '/dumps/vmlinux-y': kernel({ buildId: '' }) };
    expect(pathsOf(search({ ...decoys, [path]: kernel() }))).toEqual([path]);
  });

  it('where it was unpacked or fetched before', () => {
    for (const [path, environment] of [
      [`/home/.cache/vmscope/unpacked/${OWN}/vmlinux`, { HOME: '/home' }],
      [`/xdg/vmscope/unpacked/${OWN}/vmlinux`, { HOME: '/home', XDG_CACHE_HOME: '/xdg' }],
      [`/home/.cache/debuginfod_client/${OWN}/debuginfo`, { HOME: '/home', XDG_CACHE_HOME: 'relative' }],
      [`/own/${OWN}/debuginfo`, { HOME: '/home', DEBUGINFOD_CACHE_PATH: '/own' }],
      [`/home/.debuginfod_client_cache/${OWN}/debuginfo`, { HOME: '/home' }],
    ] as const)
      expect(pathsOf(findVmlinux(wanted, hostOf({ [path]: kernel() }, environment), []))).toEqual([path]);
  });

  it('with debug information before one without, which does for want of it', () => {
    const stripped = kernel({ dwarf: false });
    expect(pathsOf(search({ '/mine/vmlinux': stripped }))).toEqual(['/mine/vmlinux']);
    expect(pathsOf(search({ '/mine/vmlinux': stripped, '/dumps/vmlinux': kernel() }))).toEqual(['/dumps/vmlinux']);
  });

  it('behind the debug link of a stripped one, by build-id or CRC, in the folders that are searched', () => {
    const full = kernel({ buildId: '' });
    const stripped = (name: string, crc = crc32(full)): Uint8Array =>
      kernel({ buildId: '', dwarf: false, debuglink: { name, crc } });
    const unknown: WantedKernel = { ...wanted, buildId: undefined };
    for (const place of ['/boot/x.debug', '/boot/.debug/x.debug', '/usr/lib/debug/boot/x.debug', '/mine/boot/x.debug'])
      expect(pathsOf(search({ [`/boot/vmlinux-${RELEASE}`]: stripped('x.debug'), [place]: full }, unknown))[0]).toBe(
        place,
      );
    const wrong = search({ [`/boot/vmlinux-${RELEASE}`]: stripped('x.debug', 5), '/boot/x.debug': full }, unknown);
    expect(pathsOf(wrong)).toEqual([`/boot/vmlinux-${RELEASE}`]);
    expect(wrong.looked).toContainEqual({
      place: '/boot/x.debug',
      problem: expect.stringContaining('is not what the debug link'),
    });
    for (const name of ['../x.debug', '/boot/x.debug', '..', ''])
      expect(
        pathsOf(
          search({ [`/boot/vmlinux-${RELEASE}`]: stripped(name), '/x.debug': full, '/boot/x.debug': full }, unknown),
        ),
      ).toEqual([`/boot/vmlinux-${RELEASE}`]);
  });

  it('among all of that name where the dump does not tell the build', () => {
    const files = { '/mine/vmlinux': kernel({ buildId: OTHER }), '/dumps/vmlinux': kernel({ buildId: '' }) };
    expect(pathsOf(search(files, { dump: '/dumps/vmcore', buildId: undefined, release: undefined }))).toEqual([
      '/mine/vmlinux',
      '/dumps/vmlinux',
    ]);
  });
});

describe('a packed vmlinux', () => {
  it('is unpacked only when no other does', () => {
    const host = hostOf({ '/mine/vmlinux.xz': XZ, '/dumps/vmlinux': kernel() });
    expect(pathsOf(findVmlinux(wanted, host, ['/mine']))).toEqual(['/dumps/vmlinux']);
    const alone = hostOf({ [`/usr/lib/modules/${RELEASE}/vmlinux.xz`]: XZ, '/cache/vmlinux': kernel() });
    const asked: string[] = [];
    alone.unpackedPath = (path, codec) => {
      asked.push(`${codec} ${path}`);
      return '/cache/vmlinux';
    };
    expect(pathsOf(findVmlinux(wanted, alone, []))).toEqual(['/cache/vmlinux']);
    expect(asked).toEqual([`xz /usr/lib/modules/${RELEASE}/vmlinux.xz`]);
    alone.unpackedPath = (path, codec) => {
      throw new NeedResource({ kind: 'unpacked-file', path, codec, onDisk: true });
    };
    expect(() => findVmlinux(wanted, alone, [])).toThrow(NeedResource);
  });

  it('that is damaged or of another build is said', () => {
    const host = hostOf({
      '/dumps/vmlinux.xz': XZ,
      '/dumps/vmlinux-x.gz': Uint8Array.of(0x1f, 0x8b),
      '/cache': kernel({ buildId: OTHER }),
    });
    host.unpackedPath = (path) => {
      if (path.endsWith('.gz')) throw new OpenError(`${path}: is cut off`);
      return '/cache';
    };
    const { candidates, looked } = findVmlinux(wanted, host, []);
    expect(candidates).toEqual([]);
    expect(looked).toContainEqual({ place: '/dumps/vmlinux.xz', problem: `is of another build: ${OTHER}` });
    expect(looked).toContainEqual({ place: '/dumps/vmlinux-x.gz', problem: 'is cut off' });
  });
});

describe('debuginfod', () => {
  it('is asked last, and only where the build is known', () => {
    const asked: string[] = [];
    const host = (files: Readonly<Record<string, Uint8Array>>): Host => ({
      ...hostOf({ ...files, '/fetched': kernel() }),
      fetchDebugFile: (buildId) => {
        asked.push(buildId);
        return { path: '/fetched' };
      },
    });
    expect(pathsOf(findVmlinux(wanted, host({ '/mine/vmlinux': kernel() }), ['/mine']))).toEqual(['/mine/vmlinux']);
    findVmlinux({ ...wanted, buildId: undefined }, host({}), []);
    expect(asked).toEqual([]);
    expect(pathsOf(findVmlinux(wanted, host({ '/mine/vmlinux': kernel({ dwarf: false }) }), ['/mine']))).toEqual([
      '/fetched',
    ]);
    expect(asked).toEqual([OWN]);
  });
});

describe('what is said when nothing is found', () => {
  it('names the build, the ways to get it, and each place once, with what was wrong there', () => {
    const { candidates, looked } = search({
      '/dumps/vmlinux': kernel({ buildId: OTHER }),
      '/mine/vmlinux': Uint8Array.of(1, 2, 3),
    });
    expect(candidates).toEqual([]);
    const text = missingVmlinuxText(wanted, looked);
    for (const part of [
      `no vmlinux of ${RELEASE} (build-id ${OWN}) was found`,
      `apt install linux-image-${RELEASE}-dbg`,
      `debuginfod-find debuginfo ${OWN}`,
      'vmscope --debuginfod=',
      `/dumps/vmlinux: is of another build: ${OTHER}`,
      '/mine/vmlinux: is not an ELF file',
      `/usr/lib/debug/boot/{vmlinux,vmlinux.debug,vmlinux-${RELEASE},vmlinux-${RELEASE}.debug}: not there`,
      'debuginfod: not asked',
    ])
      expect(text).toContain(part);
    expect(text.split('\n').length).toBeLessThan(40);
    const places = looked.map(({ place }) => place);
    expect(new Set(places).size).toBe(places.length);
  });

  it('does not send who asked debuginfod to debuginfod', () => {
    const text = missingVmlinuxText(wanted, [{ place: 'debuginfod', problem: 'no server has it', asked: true }]);
    expect(text).not.toContain('debuginfod-find');
    expect(text).toContain('debuginfod: no server has it');
  });

  it('fits in a line for who works without it', () => {
    expect(howToGetDebugInfo(wanted)).toBe(`apt install linux-image-${RELEASE}-dbg (Debian); its build-id is ${OWN}`);
    expect(howToGetDebugInfo({ ...wanted, release: '6.9.0' })).toBe(
      `--debuginfod may fetch it; its build-id is ${OWN}`,
    );
  });
});

it('nothing in a dump leads out of the folders that are searched', () => {
  const opened: string[] = [];
  const host = hostOf({});
  const watched: Host = { ...host, open: (path) => (opened.push(path), undefined) };
  for (const evil of ['../../etc', '/etc/passwd', '..', 'a/b', 'x\0y'])
    findVmlinux({ dump: '/dumps/vmcore', buildId: evil, release: evil }, watched, ['/mine']);
  for (const path of opened) expect(path).toMatch(/^(\/mine|\/usr\/lib\/debug|\/dumps)\/[^\0]*$/);
  for (const path of opened) expect(path).not.toMatch(/\.\.|etc|passwd|a\/b/);
});

it('whatever the bytes of a file, it is taken or refused', () => {
  mutationRun(kernel({ dwarf: false, debuglink: { name: 'x.debug', crc: 5 } }), 1500, (bytes) => {
    search({ '/mine/vmlinux': bytes, '/mine/x.debug': kernel({ buildId: '' }) });
  });
});
