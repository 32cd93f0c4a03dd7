/** The first cause in a log: texts as kernels 4.14 to 7.x write them. */

import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../kernel/printk.ts';
import { findCause } from './cause.ts';

function log(...lines: string[]): LogRecord[] {
  return lines.map((text, index) => ({
    sequence: BigInt(index),
    time: BigInt(index) * 1000n,
    facility: 0,
    level: 4,
    caller: undefined,
    text,
    dictionary: [],
  }));
}

const boot = [
  'Linux version 6.1.0-56-amd64',
  'Command line: quiet',
  'BIOS-provided physical RAM map:',
  'nfs: module loaded',
];
const registers = [
  'RSP: 0018:ffffa0a5c0013bd8 EFLAGS: 00010246',
  'RAX: 0000000000000000 RBX: ffff92a1c1b3f000 RCX: 0000000000000001',
  'Call Trace:',
  ' <TASK>',
  ' nfs_updatepage+0x997/0xd40 [nfs]',
  ' vfs_write+0x2ca/0x430',
  ' </TASK>',
  'Modules linked in: nfs nfsd',
  'CR2: 0000000000000088',
];
const where = 'CPU: 1 PID: 155 Comm: writer Tainted: G           OE      6.1.0-56-amd64 #1  Debian 6.1.192-1';
const end = ['---[ end trace 0000000000000000 ]---', 'RIP: 0010:_raw_spin_lock+0x13/0x30', 'Code: 00 00 00 90'];
const fatal = [
  'Kernel panic - not syncing: Fatal exception',
  'Kernel Offset: 0x1a000000 from 0xffffffff81000000',
  '---[ end Kernel panic - not syncing: Fatal exception ]---',
];
const oops = [
  'BUG: kernel NULL pointer dereference, address: 0000000000000088',
  '#PF: supervisor write access in kernel mode',
  '#PF: error_code(0x0002) - not-present page',
  'PGD 0 P4D 0 ',
  'Oops: 0002 [#1] PREEMPT SMP PTI',
  where,
  'Hardware name: QEMU',
  'RIP: 0010:_raw_spin_lock+0x13/0x30',
  ...registers,
  ...end,
];

describe('a panic', () => {
  it('after an oops is the oops', () => {
    expect(findCause(log(...boot, ...oops, ...fatal))).toEqual({
      text: 'BUG: kernel NULL pointer dereference, address: 0000000000000088',
      time: 4000n,
      cpu: 1,
      pid: 155,
      panicked: true,
    });
  });

  it.each([
    [
      '4.14',
      [
        'BUG: unable to handle kernel NULL pointer dereference at 0000000000000008',
        'IP: sysrq_handle_crash+0x16/0x20',
        'PGD 0 P4D 0 ',
        'Oops: 0002 [#1] SMP PTI',
      ],
    ],
    [
      '5.x',
      [
        'BUG: unable to handle page fault for address: ffffb0a580000000',
        '#PF: supervisor read access in kernel mode',
        'Oops: 0000 [#1] SMP PTI',
      ],
    ],
    [
      'a wild pointer',
      ['general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1] PREEMPT SMP PTI'],
    ],
    ['4.14, a wild pointer', ['general protection fault: 0000 [#1] SMP']],
    [
      '6.12, a wild pointer',
      [
        'Oops: general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1] PREEMPT SMP PTI',
      ],
    ],
    ['BUG()', ['kernel BUG at fs/nfs/write.c:204!', 'invalid opcode: 0000 [#1] SMP']],
    ['6.12, BUG()', ['kernel BUG at mm/slub.c:563!', 'Oops: invalid opcode: 0000 [#1] PREEMPT SMP PTI']],
    ['a division', ['divide error: 0000 [#1] SMP NOPTI']],
    [
      'a stack overflow',
      [
        'BUG: stack guard page was hit at 00000000a1b2 (stack is 00000000..00000000)',
        'stack guard page: 0000 [#1] SMP',
      ],
    ],
    ['a double fault', ['traps: PANIC: double fault, error_code: 0x0', 'double fault: 0000 [#1] SMP PTI']],
    ['a stack segment', ['stack segment: 0000 [#1] SMP']],
  ])('after an oops of %s is its first line', (_, report) => {
    const cause = findCause(log(...boot, ...report, where, ...registers, ...end, ...fatal));
    const opening = report.find((line) => !line.startsWith('traps:'));
    expect(cause?.text).toBe(opening);
    expect(cause).toMatchObject({ cpu: 1, pid: 155, panicked: true });
  });

  it('in an interrupt, or by a 6.12 with user ids, too', () => {
    const cause = findCause(
      log(
        ...oops.map((line) => line.replace('CPU: 1 PID', 'CPU: 3 UID: 0 PID')),
        'Kernel panic - not syncing: Fatal exception in interrupt',
      ),
    );
    expect(cause).toMatchObject({ text: oops[0], cpu: 3, pid: 155 });
  });

  it('by sysrq is the panic’s own line', () => {
    const lines = [
      ...boot,
      'sysrq: Trigger a crash',
      'Kernel panic - not syncing: sysrq triggered crash',
      'CPU: 0 PID: 1 Comm: init Not tainted 6.12',
      'Call Trace:',
      '---[ end Kernel panic - not syncing: sysrq triggered crash ]---',
    ];
    expect(findCause(log(...lines))).toEqual({
      text: 'Kernel panic - not syncing: sysrq triggered crash',
      time: 5000n,
      cpu: 0,
      pid: 1,
      panicked: true,
    });
  });

  it('is not an earlier oops that was survived', () => {
    const earlier = oops.map((line) => line.replace('[#1]', '[#1]').replace('0000000000000088', '0000000000000011'));
    expect(
      findCause(log(...boot, ...earlier, 'note: writer[155] exited', 'eth0: link up', ...oops, ...fatal))?.text,
    ).toBe(oops[0]);
    expect(
      findCause(
        log(
          ...boot,
          ...earlier,
          'eth0: link up',
          'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
        ),
      )?.text,
    ).toBe('Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)');
  });

  it('is not an earlier message of another trouble', () => {
    const hung = [
      'INFO: task nfsd:99 blocked for more than 120 seconds.',
      '      Not tainted 6.1.0-56-amd64 #1',
      'task:nfsd state:D stack:0 pid:99',
      'Call Trace:',
      ' schedule+0x5a/0xd0',
    ];
    const sleeping = [
      'BUG: sleeping function called from invalid context at mm/slab.h:411',
      'in_atomic(): 1, irqs_disabled(): 0, pid: 77, name: kworker',
      'CPU: 0 PID: 77 Comm: kworker/0:1',
      'Call Trace:',
      ' dump_stack+0x5a/0xd0',
    ];
    for (const earlier of [hung, sleeping]) {
      const between = Array.from({ length: 30 }, (_, index) => `usb 1-${index}: new device`);
      expect(findCause(log(...boot, ...earlier, ...between, ...oops, ...fatal))).toMatchObject({
        text: oops[0],
        pid: 155,
      });
    }
  });

  it('in a record of several lines is found', () => {
    expect(findCause(log(...boot, oops.join('\n'), fatal.join('\n')))?.text).toBe(oops[0]);
  });
});

describe('no panic', () => {
  it.each([
    'INFO: task nfsd:99 blocked for more than 120 seconds.',
    'INFO: task nfsd:99 blocked in I/O wait for more than 120 seconds.',
    'watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [swapper/1:0]',
    'NMI watchdog: Watchdog detected hard LOCKUP on cpu 3',
    'watchdog: Watchdog detected hard LOCKUP on cpu 3',
    'watchdog: CPU3: Watchdog detected hard LOCKUP on cpu 3',
    'rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:',
    'rcu: INFO: rcu_sched self-detected stall on CPU',
    'INFO: rcu_sched self-detected stall on CPU',
  ])('but %s is a cause without one', (line) => {
    expect(findCause(log(...boot, line, 'more', 'and more'))).toMatchObject({ text: line, panicked: false });
  });

  it('and no trouble is no cause', () => {
    expect(findCause(log(...boot))).toBeUndefined();
    expect(findCause([])).toBeUndefined();
    expect(
      findCause(
        log('printk: log_buf_len: 262144 bytes', 'ACPI: bus type PCI registered', 'Debug: BUG in user program'),
      ),
    ).toBeUndefined();
  });

  it('after an oops that was survived is the oops', () => {
    expect(findCause(log(...boot, ...oops, 'eth0: link up'))).toMatchObject({
      text: oops[0],
      panicked: false,
      pid: 155,
    });
  });
});

describe('a panic that a setting makes of a report', () => {
  it.each([
    ['INFO: task repro:42 blocked for more than 120 seconds.', 'Kernel panic - not syncing: hung_task: blocked tasks'],
    [
      'watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [cat:77]',
      'Kernel panic - not syncing: softlockup: hung tasks',
    ],
    ['watchdog: Watchdog detected hard LOCKUP on cpu 3', 'Kernel panic - not syncing: Hard LOCKUP'],
    ['rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:', 'Kernel panic - not syncing: RCU Stall'],
    [
      'WARNING: CPU: 0 PID: 9 at mm/slub.c:3 kfree+0x1/0x2',
      'Kernel panic - not syncing: kernel: panic_on_warn set ...',
    ],
  ])('%s', (opening, panic) => {
    expect(findCause(log(...boot, opening, 'Call Trace:', panic))).toMatchObject({ text: opening, panicked: true });
  });

  it('without such a report is its own cause', () => {
    const panic = 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100';
    expect(findCause(log(...boot, panic))).toMatchObject({ text: panic, panicked: true });
  });
});
