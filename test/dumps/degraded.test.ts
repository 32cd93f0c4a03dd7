/** The same answers where something that makes them quick is missing: .debug_aranges, BTF, module files. */

import { describe, expect, it } from 'vitest';
import { Session } from '../../src/commands/session.ts';
import { DwarfInfo } from '../../src/debuginfo/dwarf/dwarf-info.ts';
import { DwarfSections } from '../../src/debuginfo/dwarf/sections.ts';
import { NodeHost } from '../../src/faces/node/host.ts';
import { backtrace } from '../../src/query/backtrace.ts';
import { renderText } from '../../src/render/text/index.ts';
import { openElf } from '../../src/target/find-vmlinux.ts';
import { openTarget, type Target } from '../../src/target/target.ts';
import { Fixture, countBytes } from './fixture.ts';

const host = new NodeHost();

function freshTarget(fixture: Fixture): Target {
  return openTarget(host, {
    dumps: [`${fixture.folder}/vmcore`],
    vmlinux: undefined,
    debugFolders: [],
    moduleFolders: [],
  });
}

function crashTrace(session: Session): string[] {
  return [...renderText(backtrace(session.kernel, session.unwinder(), session.current))];
}

describe.each(['nfs', 'sysrq-7.2'] as const)('bt of %s', (name) => {
  const fixture = new Fixture(name);
  const expected = crashTrace(fixture.session);

  it('is the same without .debug_aranges', () => {
    const target = freshTarget(fixture);
    const sections = new DwarfSections(openElf(host, `${fixture.folder}/vmlinux`), host);
    const hidden = Object.assign(sections, {
      optional: (section: string) =>
        section === '.debug_aranges' ? undefined : DwarfSections.prototype.optional.call(sections, section),
    });
    const dwarf = new DwarfInfo(hidden);
    Object.assign(target.vmlinux, { dwarf: () => dwarf });
    expect(crashTrace(new Session(target))).toEqual(expected);
  });

  it('is the same without BTF, from the types in DWARF', () => {
    const target = freshTarget(fixture);
    Object.assign(target.vmlinux, { btf: () => undefined });
    expect(crashTrace(new Session(target))).toEqual(expected);
  });

  it('has the same frames without any module file, only not their lines', () => {
    const target = freshTarget(fixture);
    Object.assign(target.moduleFiles, { find: () => undefined });
    const frames = (lines: readonly string[]): string[] => lines.filter((line) => /^ *#\d+ \[/.test(line));
    expect(frames(crashTrace(new Session(target)))).toEqual(frames(expected));
  });

  it('has the same frames without DWARF', () => {
    const target = freshTarget(fixture);
    Object.assign(target.vmlinux, { dwarf: () => undefined });
    Object.assign(target.moduleFiles, { find: () => undefined });
    const frames = (lines: readonly string[]): string[] => lines.filter((line) => /^ *#\d+ \[/.test(line));
    expect(frames(crashTrace(new Session(target)))).toEqual(frames(expected));
  });
});

describe('the work that bt of nfs takes', () => {
  it('reads a small part of the files: a few units, no section whole that it need not', () => {
    const fixture = new Fixture('nfs');
    const counting = new NodeHost();
    const bytes = countBytes(counting);
    const target = openTarget(counting, {
      dumps: [`${fixture.folder}/vmcore`],
      vmlinux: undefined,
      debugFolders: [],
      moduleFolders: [],
    });
    const session = new Session(target);
    crashTrace(session);
    expect(target.vmlinux.dwarf()?.unitsOpened).toBeLessThanOrEqual(16);
    expect(bytes()).toBeLessThan(32 << 20);
  });
});
