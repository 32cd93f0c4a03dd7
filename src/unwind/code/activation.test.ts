import { beforeAll, describe, expect, it } from 'vitest';
import { addVirt } from '../../base/addr.ts';
import { loadDisassembler } from '../../disasm/disassembler.ts';
import { CODE_START } from '../../../test/builders/code.ts';
import { buildFunctions } from '../../../test/builders/functions.ts';
import { Activation, knownValue, type Followed } from './activation.ts';
import { keptCopy } from './kept-copies.ts';

beforeAll(() => loadDisassembler('x86_64'));

const RBX = 0xffff_8880_0000_1000n;
const RSP = 0xffff_c900_0000_0e00n;

interface Known {
  readonly now?: Readonly<Record<string, bigint>>;
  readonly entry?: Readonly<Record<string, bigint>>;
  readonly memory?: Readonly<Record<string, bigint>>;
}

/** A run of a function that stands at the call that returns to an offset. */
function run(bytes: string, returns: number, { now = {}, entry = {}, memory = {} }: Known): Activation {
  const code = buildFunctions([{ name: 'f', bytes }]).at(CODE_START);
  const place = code?.callBefore(addVirt(CODE_START, returns));
  if (code === undefined || place === undefined) throw new Error('no call there');
  const valueIn = (values: Readonly<Record<string, bigint>>, key: string): Followed | undefined => {
    const value = values[key];
    return value === undefined ? undefined : knownValue(value);
  };
  return new Activation(code, place, {
    now: (name) => valueIn(now, name),
    entry: (name) => valueIn(entry, name),
    memory: (address) => valueIn(memory, address.toString(16)),
  });
}

/**
 * push %rbx · mov %rdi,%rbx · push %rsi · mov $7,%edx · lea 0x10(%rbx),%rdi · either way mov %rbx,%rcx · either
 * mov $1,%r8d or mov $2,%r8d · mov (%rsp),%rsi · mov 0x40(%rbx),%r9 · call *%rax
 */
const caller =
  '53 48 89 fb 56 ba 07 00 00 00 48 8d 7b 10 85 c0 74 05 48 89 d9 eb 03 48 89 d9 85 c0 74 08 41 b8 01 00 00 00 eb 06 41 b8 02 00 00 00 48 8b 34 24 4c 8b 4b 40 ff d0 c3';
const at = { now: { rbx: RBX, rsp: RSP }, memory: { [RSP.toString(16)]: 0x77n, [(RBX + 0x40n).toString(16)]: 0x99n } };

describe('a register before a call', () => {
  it.each<[string, string, bigint | undefined]>([
    ['a constant', 'rdx', 7n],
    ['the sum of a register that is known and unchanged', 'rdi', RBX + 0x10n],
    ['a copy that both ways make', 'rcx', RBX],
    ['one of two constants, by the way taken', 'r8', undefined],
    ['a word of the stack', 'rsi', 0x77n],
    ['memory by a known register', 'r9', 0x99n],
    ['as it was at the entry, which nobody tells', 'r10', undefined],
  ])('is %s', (_, name, value) => expect(run(caller, 0x36, at).register(name)?.value).toBe(value));

  it('says which instruction set it', () =>
    expect(run(caller, 0x36, at).register('rdx')?.notes).toEqual(['set by mov $0x7,%edx in f']));

  it('is that of the entry where nothing sets it, and of what was computed from that', () => {
    const byEntry = run(caller, 0x36, { entry: { rdi: RBX, r10: 5n, rsp: RSP + 16n } });
    expect(byEntry.register('r10')?.value).toBe(5n);
    expect(byEntry.register('rcx')?.value).toBe(RBX);
    // Of pushes, too.
    expect(byEntry.register('rsp')?.value).toBe(RSP);
  });

  it('is not known where a loop changes it', () => {
    // mov %rdi,%rbx · dec %rbx · jne back · call *%rax
    const loop = '48 89 fb 48 ff cb 75 fb ff d0 c3';
    expect(run(loop, 10, { entry: { rdi: 3n } }).register('rbx')).toBeUndefined();
  });

  it('is not what a call before may have changed', () => {
    // call *%rax · call *%rax
    expect(run('ff d0 ff d0 c3', 4, { entry: { rdi: 3n } }).register('rdi')).toBeUndefined();
  });

  it('is not read from a word that was written again', () => {
    // mov (%rsp),%rsi · mov %rbx,(%rsp) · call *%rax
    const written = '48 8b 34 24 48 89 1c 24 ff d0 c3';
    expect(run(written, 10, at).register('rsi')).toBeUndefined();
  });
});

describe('a copy of what was at the entry', () => {
  const copy = (activation: Activation, name: string, size: number, memory = 0x55n): bigint | undefined =>
    keptCopy(activation, name, size, new Map([['rbx', knownValue(RBX)]]), () => memory)?.value;

  it('is in a register that callees hand back', () => {
    expect(copy(run(caller, 0x36, at), 'rdi', 8)).toBe(RBX);
    expect(copy(run(caller, 0x36, at), 'rdx', 8)).toBeUndefined();
  });

  it('may differ from it by a constant', () => {
    // lea -0x10(%rsi),%rbx · call *%rax
    expect(copy(run('48 8d 5e f0 ff d0 c3', 6, at), 'rsi', 8)).toBe(RBX + 0x10n);
  });

  it('may be of its lower half alone', () => {
    // mov %esi,%ebx · call *%rax
    expect(copy(run('89 f3 ff d0 c3', 4, at), 'rsi', 4)).toBe(RBX);
    expect(copy(run('89 f3 ff d0 c3', 4, at), 'rsi', 8)).toBeUndefined();
  });

  /**
   * sub $0x20,%rsp · mov %rdi,0x8(%rsp) · mov %esi,0x10(%rsp) · mov %rdx,0x18(%rsp) · lea 0x18(%rsp),%rdi ·
   * call *%rax · add $0x20,%rsp · ret
   */
  const spill = '48 83 ec 20 48 89 7c 24 08 89 74 24 10 48 89 54 24 18 48 8d 7c 24 18 ff d0 48 83 c4 20 c3';

  it('is in a word of the stack', () => {
    const activation = run(spill, 0x19, at);
    expect(copy(activation, 'rdi', 8)).toBe(0x55n);
    expect(copy(activation, 'rsi', 4)).toBe(0x55n);
    expect(copy(activation, 'rsi', 8)).toBeUndefined();
  });

  it('is not believed where the address of the word is handed out', () =>
    expect(copy(run(spill, 0x19, at), 'rdx', 8)).toBeUndefined());

  it('is not one that only some ways make', () => {
    // test %rsi,%rsi · je over · mov %rdi,(%rsp) · call *%rax
    expect(copy(run('48 85 f6 74 04 48 89 3c 24 ff d0 c3', 11, at), 'rdi', 8)).toBeUndefined();
  });
});
