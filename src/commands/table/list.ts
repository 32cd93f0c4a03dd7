/** list: linked lists. */

import { addVirt, type VirtAddr } from '../../base/addr.ts';
import { UsageError } from '../../base/errors.ts';
import { Brent, RememberAll, type ListShape } from '../../kernel/linked-list.ts';
import { listEntries, type EntryObject } from '../../query/list-entries.ts';
import { knownPaths } from '../../query/type-definition.ts';
import type { Command } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import { radixOf, type Session } from '../session.ts';
import { offsetBefore, subjectOf } from './struct.ts';

export const list: Command = {
  name: 'list',
  aliases: [],
  summary: 'the entries of a linked list',
  synopsis: [
    'list [-o] offset [-s | -S struct[.member,...] [-l offset]] [-x | -d] [-r | -B] [-e end] start',
    'list [-o] offset ... -H head',
    'list [-o] offset ... -h start [-O head offset]',
  ],
  options: [
    { flag: '-H', text: 'start is a list_head that is in no entry (LIST_HEAD), and not shown' },
    { flag: '-h', text: 'start is an entry, with a list_head in it' },
    {
      flag: '-o',
      value: 'struct.member, or bytes',
      completes: 'type',
      text: 'from the start of an entry to its link (0 unless told)',
    },
    {
      flag: '-O',
      value: 'struct.member, or bytes',
      completes: 'type',
      text: 'with -h: from start to the head of the list in it, where entries have their link elsewhere; without -h no matter',
    },
    { flag: '-s', value: 'struct[.member,...]', completes: 'type', text: 'what each entry holds' },
    {
      flag: '-S',
      value: 'struct[.member,...]',
      completes: 'type',
      text: 'the same, members in short: numbers and text alone',
    },
    {
      flag: '-l',
      value: 'struct.member, or bytes',
      completes: 'type',
      text: 'with -s: entries are shown as links at this offset',
    },
    { flag: '-e', value: 'an address', completes: 'symbol', text: 'stop before this one' },
    { flag: '-r', text: 'backwards, by list_head.prev' },
    { flag: '-B', text: 'find loops without remembering entries (Brent): little memory, for very long lists' },
    { flag: '-x', text: 'numbers in hexadecimal' },
    { flag: '-d', text: 'numbers in decimal' },
  ],
  words: { most: 2 },
  exclusive: [
    ['-H', '-h'],
    ['-s', '-S'],
    ['-x', '-d'],
  ],
  description: [
    'Without -h and -H start is a structure that points at the next one at the offset, or a list_head; the list ends with NULL or where it comes back to its start. With -h and -H links are list_heads inside of the entries; the addresses shown are those of the entries.',
    'A list that leads into itself, or whose links lead nowhere, is shown up to where it breaks, and that is said.',
  ],
  examples: [
    { line: 'list -H modules -o module.list -s module.name', text: 'a list with a head of its own' },
    { line: 'list task_struct.tasks -h init_task -s task_struct.pid,comm', text: 'a list whose start is an entry' },
    { line: 'list -h init_task -O task_struct.children task_struct.sibling', text: 'the children of a task' },
    { line: 'list modules', text: 'the links themselves' },
  ],
  completes: 'type or expression',
  many: true,
  *run(session, args) {
    const shape = shapeOf(session, args);
    const asked = objectOf(session, args);
    const { known: paths, missing } = asked === undefined ? nothingAsked : knownPaths(asked.type, asked.paths);
    yield* listEntries(
      session.kernel,
      shape,
      asked && { ...asked, paths },
      args.has('-B') ? new Brent() : new RememberAll(),
    );
    if (missing !== undefined) throw missing;
  },
};

const nothingAsked = { known: [], missing: undefined };

function shapeOf(session: Session, args: ParsedArguments): ListShape {
  const { offset, start } = placesOf(session, args);
  const headOffset = args.value('-O');
  const before = offsetBefore(session, headOffset);
  const end = args.value('-e');
  const embedded = args.has('-h') || args.has('-H');
  const head = args.has('-H')
    ? start
    : headOffset === undefined || !args.has('-h')
      ? undefined
      : addVirt(start, before);
  return {
    head,
    start: head === undefined ? start : undefined,
    offset,
    embedded,
    reverse: args.has('-r'),
    end: end === undefined ? undefined : session.address(end),
  };
}

/** The offset may stand as a word before or behind the start: what has a type and a member in it is one. */
function placesOf(session: Session, args: ParsedArguments): { offset: number; start: VirtAddr } {
  const option = args.value('-o');
  const numbers = args.words.filter((word) => isOffset(session, word));
  const places = args.words.filter((word) => !numbers.includes(word));
  const offsets = places.length === 0 ? numbers.slice(0, -1) : numbers;
  const [start, other] = places.length === 0 ? numbers.slice(-1) : places;
  const offset = option ?? offsets[0];
  if (start === undefined) throw new UsageError('list wants an address to start from ("help list")');
  if (other !== undefined) throw new UsageError(`list starts from one address: ${start} or ${other}?`);
  if (offsets.length > (option === undefined ? 1 : 0)) throw new UsageError('one offset is enough');
  return { offset: offsetBefore(session, offset), start: session.address(start) };
}

function isOffset(session: Session, word: string): boolean {
  if (/^(0x[0-9a-f]{1,4}|\d{1,5})$/i.test(word)) return true;
  return /^[A-Za-z_]\w*\.[\w.[\]]+$/.test(word) && session.kernel.symbols.named(word.split('.')[0] ?? '').length === 0;
}

function objectOf(session: Session, args: ParsedArguments): EntryObject | undefined {
  const word = args.value('-s') ?? args.value('-S');
  const before = args.value('-l');
  if (word === undefined) {
    if (before !== undefined) throw new UsageError('-l goes with -s: it says where in the struct the entries lie');
    return undefined;
  }
  if (args.count('-s') + args.count('-S') > 1)
    throw new UsageError('one -s is enough: members stand behind each other, as in -s task_struct.pid,comm');
  const { type, paths } = subjectOf(session, word, 'struct');
  return { type, paths, before: offsetBefore(session, before), radix: radixOf(session, args), short: args.has('-S') };
}
