/** struct, union: how a type is defined, and what objects of it hold. */

import { addVirt, type VirtAddr } from '../../base/addr.ts';
import { checkCancelled } from '../../base/cancel.ts';
import { LookupError, UsageError } from '../../base/errors.ts';
import { nearestNames } from '../../base/suggest.ts';
import { sizeOf, strip, type CompoundType } from '../../debuginfo/types/type.ts';
import { userSpace } from '../../kernel/mm.ts';
import { hexDump, readPieces, virtualMemory } from '../../query/memory-dump.ts';
import type { Result } from '../../query/result.ts';
import { objectArray } from '../../query/object-array.ts';
import { neighbour, requiredMember } from '../../query/structure.ts';
import { definitionOf, knownPaths, partialDefinition } from '../../query/type-definition.ts';
import type { AddressSpace } from '../../memory/address-space.ts';
import type { Command } from '../command.ts';
import type { ParsedArguments } from '../options.ts';
import { parsePlaces, type Place } from '../place.ts';
import { parseInteger, radixOf, type Session } from '../session.ts';

const MOST_OBJECTS = 1_000_000;

interface Subject {
  readonly type: CompoundType;
  /** The typedef it was named by. */
  readonly typedef: string | undefined;
  readonly paths: readonly string[];
}

function structCommand(name: 'struct' | 'union'): Command {
  return {
    name,
    aliases: [],
    summary: `how a ${name} is defined, or what one in memory holds`,
    synopsis: [
      `${name} NAME[.member,...] [-o] [-x | -d]`,
      `${name} NAME[.member,...] [-o] [-x | -d] [-p] [-l offset] [-r] [-u] address | symbol | (expression)[:CPUs] [count | -c count]`,
    ],
    options: [
      { flag: '-o', text: 'the offset of each member; with an address, where each member lies' },
      { flag: '-x', text: 'numbers in hexadecimal' },
      { flag: '-d', text: 'numbers in decimal' },
      { flag: '-p', text: 'what pointer members point at, too' },
      {
        flag: '-l',
        value: 'struct.member, or bytes',
        completes: 'type',
        text: 'the address is that of a member (an embedded list_head) at this offset',
      },
      { flag: '-r', text: 'the bytes as they are' },
      { flag: '-u', text: 'the address is of the current task in user mode' },
      { flag: '-c', value: 'a count', text: 'that many, one behind the other; a negative count: those before, too' },
    ],
    words: { most: 3 },
    exclusive: [
      ['-x', '-d'],
      ['-o', '-p', '-r'],
    ],
    description: [
      `Without an address prints the definition of a type and its size. A type is named by its tag or a typedef; the word ${name} may be left out. Members are named by their paths, as in C: se.on_rq, pids[2].node; those of anonymous structs and unions by their own names.`,
      'With an address prints what is there. :CPUs behind it means a per-CPU object: runqueues:0, runqueues:a for all, runqueues:0-2, runqueues: for the CPU of the current task.',
      'A member on a page that is not in the dump is shown as (cannot read …); the others are not affected.',
    ],
    examples:
      name === 'struct'
        ? [
            { line: 'struct list_head', text: 'the definition' },
            { line: 'struct -o page', text: 'with offsets' },
            { line: 'struct task_struct.pid,comm,tasks init_task', text: 'three members of an object' },
            { line: 'struct rq.cpu,nr_running runqueues:a', text: 'of the object of each CPU' },
            { line: 'task_struct.mm init_task -p', text: 'and what a pointer points at' },
          ]
        : [{ line: 'union sigval', text: 'the definition' }],
    completes: 'type',
    many: true,
    run: (session, args) => runStruct(session, args, name),
  };
}

export const struct: Command = structCommand('struct');
export const union: Command = structCommand('union');

function* runStruct(session: Session, args: ParsedArguments, kind: 'struct' | 'union'): Generator<Result> {
  const [what] = args.words;
  if (what === undefined) throw new UsageError(`${kind} wants the name of a type ("help ${kind}")`);
  const asked = subjectOf(session, what, kind);
  const { known, missing } = knownPaths(asked.type, asked.paths);
  yield* shown(session, args, { ...asked, paths: known });
  if (missing !== undefined) throw missing;
}

function* shown(session: Session, args: ParsedArguments, subject: Subject): Generator<Result> {
  const [, place, countWord] = args.words;
  const radix = radixOf(session, args);
  if (place === undefined) {
    if (args.has('-p') || args.has('-l') || args.has('-r') || args.has('-u') || args.has('-c'))
      throw new UsageError('an address is wanted as well: -p, -l, -r, -u and -c are for objects');
    yield define(subject, { offsets: args.has('-o'), radix });
    return;
  }
  const count = countOf(args.value('-c') ?? countWord);
  if (args.value('-c') !== undefined && countWord !== undefined)
    throw new UsageError(`one count is enough: ${args.value('-c')} or ${countWord}`);
  const space = args.has('-u') ? userSpace(session.kernel, session.current) : session.kernel.memory;
  const offset = offsetBefore(session, args.value('-l'));
  for (const { address, cpu } of parsePlaces(session, place)) {
    const first = addVirt(address, -offset);
    yield* objects(session, space, subject, { address: first, cpu }, count, args);
  }
}

function define(subject: Subject, options: { offsets: boolean; radix: 10 | 16; address?: VirtAddr }): Result {
  const { type, typedef, paths } = subject;
  return paths.length === 0 ? definitionOf(type, typedef, options) : partialDefinition(type, paths, options);
}

/** A count of -3 means the object and the two before it. */
function* objects(
  session: Session,
  space: AddressSpace,
  subject: Subject,
  { address, cpu }: Place,
  count: number,
  args: ParsedArguments,
): Generator<Result> {
  const { kernel } = session;
  const { type, paths } = subject;
  const radix = radixOf(session, args);
  const first = neighbour(address, type, count < 0 ? count + 1 : 0);
  const most = Math.abs(count);
  if (!args.has('-o') && !args.has('-r')) {
    yield* objectArray(kernel, space, type, first, most, { paths, followPointers: args.has('-p'), cpu, radix });
    return;
  }
  for (let step = 0; step < most; step++) {
    checkCancelled();
    const at = neighbour(first, type, step);
    if (args.has('-o')) yield define(subject, { offsets: true, radix, address: at });
    else yield* rawObject(space, subject, at);
  }
}

/** The bytes of an object, or of the one member that was asked for. */
function* rawObject(space: AddressSpace, { type, paths }: Subject, address: VirtAddr): Generator<Result> {
  const [path, another] = paths;
  if (another !== undefined) throw new UsageError('-r shows a whole object or one member');
  const member = path === undefined ? { offset: 0, type } : requiredMember(type, path);
  const start = addVirt(address, member.offset);
  const size = sizeOf(member.type);
  const unit = size % 8 === 0 ? 8 : size % 4 === 0 ? 4 : size % 2 === 0 ? 2 : 1;
  const source = virtualMemory(space);
  // Of an object that begins nowhere there is nothing to show.
  source.readInto(start, new Uint8Array(Math.min(unit, size)));
  for (const piece of readPieces(source, start, size, unit)) yield hexDump(piece, source.space, unit);
}

function countOf(word: string | undefined): number {
  if (word === undefined) return 1;
  const count = parseInteger(word);
  if (count === 0 || Math.abs(count) > MOST_OBJECTS)
    throw new UsageError(`${word} is no usable count (1 to ${MOST_OBJECTS}, or negative)`);
  return count;
}

/** What -l takes: a number of bytes, or the member whose offset is meant. */
export function offsetBefore(session: Session, word: string | undefined): number {
  if (word === undefined) return 0;
  if (/^(0x[0-9a-f]+|\d+)$/i.test(word)) return parseInteger(word);
  const { type, paths } = subjectOf(session, word, 'struct');
  const [path] = paths;
  if (path === undefined || paths.length > 1)
    throw new UsageError(`${word} is no offset: a number of bytes, or struct.member`);
  return requiredMember(type, path).offset;
}

/** `NAME.member,member`: a struct, union or typedef of either. Throws LookupError. */
export function subjectOf(session: Session, word: string, kind: 'struct' | 'union'): Subject {
  const [, path, cpus] = /^([^:]*):(.*)$/.exec(word) ?? [];
  if (path !== undefined)
    throw new UsageError(`:${cpus} stands behind what is per CPU: ${kind} ${path} SYMBOL:${cpus}`);
  const dot = word.indexOf('.');
  const name = dot < 0 ? word : word.slice(0, dot);
  const paths = dot < 0 ? [] : word.slice(dot + 1).split(',').filter((path) => path !== ''); // prettier-ignore
  const types = session.kernel.userTypes;
  const other = kind === 'struct' ? 'union' : 'struct';
  const tagged = types.compound(kind, name) ?? types.compound(other, name);
  if (tagged !== undefined) return { type: tagged, typedef: undefined, paths };
  const typedef = types.typedef(name);
  const bare = typedef && strip(typedef);
  if (bare?.kind === 'struct' || bare?.kind === 'union') return { type: bare, typedef: name, paths };
  throw new LookupError(kind, name, nearestNames(name, compoundNames(session)));
}

export function* compoundNames(session: Session): Generator<string> {
  for (const { name } of session.kernel.userTypes.compounds()) if (name !== undefined) yield name;
}
