/**
 * Arguments and locals of real dumps: beside drgn 0.3.0, which reads the same DWARF by its own means, and for what the
 * crash of `nfs` is known to be about (its console and the source of Linux 6.1).
 */

import { describe, expect, it } from 'vitest';
import { messageOf } from '../../src/base/errors.ts';
import { loadDisassembler } from '../../src/disasm/disassembler.ts';
import { Fixture, fixtureNames } from './fixture.ts';
import { contradictions, countKnowledge, surveyValues } from './value-survey.ts';

// Values that the code tells are wanted, too.
await loadDisassembler('x86_64');

describe.each(fixtureNames)('the variables of every distinct frame of %s', (name) => {
  const fixture = new Fixture(name);
  const all = surveyValues(fixture);
  const names = (variables: typeof all): string[] =>
    variables.map(({ where, knowledge, why }) => `${where}: ${knowledge}${why === undefined ? '' : ` (${why})`}`);

  it('are many, and none fails', () => {
    expect(all.length).toBeGreaterThan(500);
    expect(names(all.filter(({ knowledge }) => knowledge === 'failed' || knowledge === 'unreadable'))).toEqual([]);
  });

  it('say why, where they are inferred or lost', () => {
    const marked = all.filter(({ knowledge }) => knowledge === 'inferred' || knowledge === 'lost');
    expect(names(marked.filter(({ why }) => why === undefined || why === ''))).toEqual([]);
  });

  const compared = all.filter((variable) => variable.compared);
  // drgn opens no dump of QEMU's without a vmcoreinfo note.
  if (name === 'nfs-plain') it('are not known to drgn', () => expect(compared).toEqual([]));
  else {
    it('are those of drgn, wherever it knows a number or a place', () => {
      expect(compared.length).toBeGreaterThan(500);
      expect(names(contradictions(compared))).toEqual([]);
    });

    it('are known wherever drgn knows them', () => {
      const missing = compared.filter(
        ({ knownToDrgn, knowledge }) => knownToDrgn && knowledge !== 'known' && knowledge !== 'inferred',
      );
      expect(names(missing)).toEqual([]);
    });

    it('are a quarter more arguments than drgn knows', () => {
      const { ofTheseOurs, ofTheseDrgns } = countKnowledge(compared.filter(({ argument }) => argument));
      expect(ofTheseOurs / ofTheseDrgns).toBeGreaterThan(1.25);
    });
  }
});

describe('the crash of nfs, frame by frame', () => {
  const nfs = new Fixture('nfs');
  const answer = (line: string): string => nfs.run(line).join('\n');
  const trace = answer('bt -V');
  const frame = /#(\d+) \[\w+\] nfs_updatepage/.exec(trace)?.[1] ?? '';
  const inlined = new RegExp(`#${frame}\\.(\\d+) nfs_inode_add_request`).exec(trace)?.[1] ?? '';

  it('knows the arguments of inlined calls, and what they point at', () => {
    expect(answer(`args -f ${frame}.${inlined}`)).toMatch(
      /^arg {3}struct nfs_page \*req = 0x(\w+) \[\1:\w+\]\narg {3}struct inode \*inode = 0x\w+ \[\w+:nfs_inode_cache\]$/,
    );
  });

  it('evaluates expressions in the frame that was chosen, registers too', () => {
    const task = nfs.session.current;
    const lines = [
      `frame ${frame}.${inlined}`,
      'p req->wb_page->mapping',
      'p sizeof(*req)',
      'up',
      'p bytes',
      'p $rip',
      'p $rdi',
      'set 1',
      'p req',
    ].map((line) => attemptText(() => answer(line)));
    nfs.session.current = task;
    expect(lines[1]).toMatch(/^\$\d+ = \(struct address_space \*\) 0x0$/);
    expect(lines[3]).toContain('nfs_setup_write_request (inlined)');
    expect(lines[4]).toContain('of bytes in frame');
    expect(lines[5]).toMatch(/^\$\d+ = \d+$/);
    expect(lines[6]).toContain('a call may have changed it');
    expect(lines[8]).toContain('symbol not found: req');
  });

  it('shows registers with the word that each was saved in; what a call may change is unknown', () => {
    const registers = answer(`regs -f ${frame}`);
    for (const name of ['RAX', 'RDX', 'RCX', 'RSI', 'RDI', 'R8', 'R9', 'R10', 'R11'])
      expect(registers).toMatch(new RegExp(`^ *${name}: \\(unknown\\)`, 'm'));
    for (const name of ['RBX', 'RBP', 'R12', 'R13', 'R14', 'R15']) {
      const [, value, slot] =
        new RegExp(`^ *${name}: {2}(\\w{16}) same as below: \\[(\\w{16})\\]`, 'm').exec(registers) ?? [];
      expect(value, name).toBeDefined();
      expect(answer(`rd ${slot}`)).toContain(`${slot}:  ${value}`);
    }
  });

  it('leaves out what is not proved where that is asked for', () => {
    const inferred = /^ *arg .* = ~/m;
    expect(trace).toMatch(inferred);
    expect(answer('bt -V --strict')).not.toMatch(inferred);
  });

  it('says what a tail call keeps back, and follows it where that is wanted', () => {
    expect(trace).toContain('bt -VV');
    const whole = answer('bt -VV');
    expect(whole).toMatch(/error_code = ~\w+ {2}\(~ .*handed on by do_user_addr_fault/);
    expect(whole).not.toContain('bt -VV');
    expect(answer('bt -VV --strict')).not.toMatch(/^ *(?:arg|local) .* = ~/m);
    expect(trace).toMatch(/error_code = \(the caller called do_user_addr_fault, which went on to .* by a tail call\)/);
  });
});

function attemptText(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return messageOf(error);
  }
}
