/** search: who else holds a value. */

import { virtAddr, type VirtAddr } from '../../base/addr.ts';
import { attempt, FormatError, UsageError } from '../../base/errors.ts';
import { KERNEL_SPACE } from '../../arch/x86-64/layout.ts';
import { currentTask, readCpus } from '../../kernel/cpus.ts';
import { isUserAddress, userSpace, userSpaceEnd } from '../../kernel/mm.ts';
import { kernelRegions, type KernelRegion } from '../../kernel/regions.ts';
import { stacksOf } from '../../kernel/stacks.ts';
import type { Task } from '../../kernel/tasks.ts';
import type { AddressSpace } from '../../memory/address-space.ts';
import { physicalRuns, runsWithin } from '../../memory/scan.ts';
import { taskHeader } from '../../query/stack-walk.ts';
import { physicalMemory, virtualMemory } from '../../query/memory-dump.ts';
import { searchMemory, TableProblems, type SearchArea, type SearchPattern } from '../../query/memory-search.ts';
import type { Command } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import { parseHex, parseInteger, parsePhysical, type Session } from '../session.ts';

const PAGE = 4096;
const LONGEST_TEXT = 4096;
const stackSwitches = ['-t', '-T'];
const bounds = ['-s', '-e', '-l'];

export const search: Command = {
  name: 'search',
  aliases: [],
  summary: 'where a value or a text stands in memory',
  synopsis: [
    'search [-k|-K|-V|-u|-p] [-s start] [-e end | -l length] [-m mask] [-w|-h] [-x count] value|symbol|(expression) ...',
    'search -t|-T [-m mask] [-w|-h] [-x count] value|symbol|(expression) ...',
    'search ... -c text ...',
  ],
  options: [
    { flag: '-k', text: 'all memory of the kernel (the default)' },
    { flag: '-K', text: 'without vmalloc, modules and vmemmap' },
    { flag: '-V', text: 'without the direct map and the kernel image' },
    { flag: '-u', text: 'the current task in user mode' },
    { flag: '-p', text: 'physical memory' },
    { flag: '-t', text: 'the kernel stacks of all tasks' },
    { flag: '-T', text: 'the kernel stacks of the active tasks' },
    { flag: '-s', value: 'an address', text: 'begin there' },
    { flag: '-e', value: 'an address', text: 'stop before it' },
    { flag: '-l', value: 'a number of bytes', text: 'stop after so many' },
    { flag: '-m', value: 'a mask (hex)', text: 'bits that may be anything' },
    { flag: '-w', text: '32-bit values' },
    { flag: '-h', text: '16-bit values' },
    { flag: '-c', text: 'texts' },
    { flag: '-x', value: 'a number of values', text: 'show so many before and after each' },
  ],
  exclusive: [
    ['-k', '-K', '-V', '-u', '-p', '-t', '-T'],
    ['-e', '-l'],
    ['-w', '-h', '-c'],
    ['-m', '-c'],
    ['-x', '-c'],
    ...stackSwitches.flatMap((stacks) => bounds.map((bound) => [stacks, bound])),
  ],
  description: [
    'Prints address and value of each place where one of the values stands: 64 bits unless told, at a multiple of its size. Values are hex, with or without 0x. A text is found anywhere, and printed with what follows it.',
    'The memory of the kernel is what its page tables map: direct map, vmalloc, vmemmap, kernel image, modules, in the order of addresses. Most of it is mapped twice, and found twice. With -s and -e or -l, everything that is mapped between them is searched. Memory that is not in the dump is passed over.',
  ],
  examples: [
    { line: 'search init_task', text: 'who points at it' },
    { line: 'search -t init_task', text: 'on which stacks' },
    { line: 'search -K -w -m ff deadbe00 -x 2', text: 'a 32-bit value, its last byte anything, with its surroundings' },
    { line: 'search -c "Linux version"', text: 'a text' },
    { line: 'search -s linux_banner -l 4096 -c Debian', text: 'a text in one page' },
  ],
  completes: 'symbol',
  many: true,
  *run(session, args) {
    const pattern = patternOf(session, args);
    const unit = pattern.kind === 'words' ? pattern.unit : 1;
    const context = parseInteger(args.value('-x') ?? '0');
    if (context < 0 || context > PAGE / unit)
      throw new UsageError(`search: -x ${context} is no usable count (0 to ${PAGE / unit})`);
    const problems = new TableProblems();
    yield* searchMemory(session.kernel.target.image, areasOf(session, args, problems), pattern, context, problems);
    const stacks = args.has('-t') || args.has('-T');
    for (const message of stacks ? session.tasks().warnings : []) yield { type: 'note', message };
  },
};

function patternOf(session: Session, args: ParsedArguments): SearchPattern {
  if (args.words.length === 0)
    throw new UsageError('search wants a value, a symbol or, with -c, a text ("help search")');
  if (args.has('-c')) {
    const encoder = new TextEncoder();
    const texts = args.words.map((word) => encoder.encode(word));
    if (texts.some((text) => text.length === 0 || text.length > LONGEST_TEXT))
      throw new UsageError(`search: a text has 1 to ${LONGEST_TEXT} bytes`);
    return { kind: 'text', texts };
  }
  const unit = args.has('-h') ? 2 : args.has('-w') ? 4 : 8;
  const mask = args.value('-m');
  const bits = mask === undefined ? 0n : parseHex(mask);
  if (bits === undefined) throw new UsageError(`search: ${mask} is no mask: hexadecimal, as in ffff0000`);
  checkWidth(bits, unit, mask ?? '');
  const values = args.words.map((word) => {
    const value = session.address(word);
    checkWidth(value, unit, word);
    return { value, name: parseHex(word) === value ? undefined : word.replace(/^\((.*)\)$/, '$1') };
  });
  return { kind: 'words', unit, values, mask: bits };
}

function checkWidth(value: bigint, unit: number, word: string): void {
  if (value >> BigInt(unit * 8) === 0n) return;
  const wider = unit === 2 ? 'with -w, or without -h' : 'without -w';
  const shown = parseHex(word) === value ? word : `${word} (${value.toString(16)})`;
  throw new UsageError(`search: ${shown} does not fit ${unit * 8} bits: search ${wider}`);
}

function areasOf(session: Session, args: ParsedArguments, problems: TableProblems): Iterable<SearchArea> {
  const { kernel } = session;
  if (args.has('-t') || args.has('-T')) return stackAreas(session, args.has('-T'), problems);
  if (args.has('-p')) {
    const [start, end] = boundsOf(args, parsePhysical, virtAddr(0), virtAddr(1n << 52n));
    const runs = physicalRuns(kernel.target.image, Number(start), Number(end));
    return [{ task: undefined, runs, source: physicalMemory(kernel.target.physical) }];
  }
  const addressOf = (word: string): VirtAddr => session.address(word);
  if (args.has('-u')) {
    const top = userSpaceEnd(kernel);
    const begin = args.value('-s');
    if (begin !== undefined && addressOf(begin) >= top)
      throw new UsageError(`search: ${begin} is no address of user space: search the kernel's without -u`);
    const [start, end] = boundsOf(args, addressOf, virtAddr(0), top);
    if (end > top)
      throw new UsageError(`search: ${end.toString(16)} is beyond user space, which ends at ${top.toString(16)}`);
    return [virtualArea(userSpace(kernel, session.current), start, end, undefined, problems)];
  }
  return kernelAreas(session, args, addressOf, problems);
}

function* kernelAreas(
  { kernel }: Session,
  args: ParsedArguments,
  addressOf: (word: string) => VirtAddr,
  problems: TableProblems,
): Generator<SearchArea> {
  const [start, end] = boundsOf(args, addressOf, KERNEL_SPACE, virtAddr((1n << 64n) - 1n));
  if (isUserAddress(kernel, start))
    throw new UsageError(`search: ${start.toString(16)} is an address of user space: search it with -u`);
  const both = args.has('-s') && (args.has('-e') || args.has('-l'));
  if (both && !args.has('-K') && !args.has('-V')) {
    yield virtualArea(kernel.memory, start, end, undefined, problems);
    return;
  }
  for (const region of kernelRegions(kernel)) {
    if (isLeftOut(args, region.kind) || region.start >= end || region.end <= start) continue;
    const from = region.start > start ? region.start : start;
    yield virtualArea(kernel.memory, from, region.end < end ? region.end : end, undefined, problems);
  }
}

function isLeftOut(args: ParsedArguments, kind: KernelRegion['kind']): boolean {
  const linear = kind === 'direct map' || kind === 'image';
  return (args.has('-K') && !linear) || (args.has('-V') && linear);
}

function* stackAreas(session: Session, active: boolean, problems: TableProblems): Generator<SearchArea> {
  const { kernel } = session;
  const running = new Set(readCpus(kernel).present.map((cpu) => currentTask(kernel, cpu)));
  for (const task of session.tasks().tasks) {
    if (active && !running.has(task.address)) continue;
    const stack = attempt(() => stackOf(session, task));
    if (stack !== undefined)
      yield virtualArea(kernel.memory, stack.base, virtAddr(stack.base + BigInt(stack.size)), task, problems);
  }
}

function stackOf({ kernel }: Session, task: Task): { base: VirtAddr; size: number } {
  const stack = stacksOf(kernel).ofTask(task);
  if (stack.base < KERNEL_SPACE) throw new FormatError('task_struct', 'its stack is no address of the kernel');
  return stack;
}

function virtualArea(
  space: AddressSpace,
  start: VirtAddr,
  end: VirtAddr,
  task: Task | undefined,
  problems: TableProblems,
): SearchArea {
  return {
    task: task && taskHeader(task),
    runs: runsWithin(space.mappings(start, end, problems.note), start, end),
    source: virtualMemory(space),
  };
}

/** Where to begin and where to stop, as far as that was said. */
function boundsOf(
  args: ParsedArguments,
  addressOf: (word: string) => VirtAddr,
  lowest: VirtAddr,
  highest: VirtAddr,
): readonly [VirtAddr, VirtAddr] {
  const startWord = args.value('-s');
  const endWord = args.value('-e');
  const length = args.value('-l');
  const start = startWord === undefined ? lowest : addressOf(startWord);
  const wanted = endWord === undefined ? highest : addressOf(endWord);
  if (length !== undefined && parseInteger(length) <= 0)
    throw new UsageError(`search: ${length} bytes are none to search`);
  const asLong = length === undefined ? wanted : start + BigInt(parseInteger(length));
  const end = asLong > highest ? highest : asLong;
  if (end <= start)
    throw new UsageError(`search: it would end (${end.toString(16)}) before it begins (${start.toString(16)})`);
  return [start, virtAddr(end)];
}
