/**
 * Every error that may leave the engine. One family, `VmcoreError`, told apart by `code`.
 *
 * Messages are for the user: what is wrong, with which file or address, and what to do next.
 * Anything else that escapes is a bug of ours. Parsers throw nothing but these, on any bytes.
 */

import type { VirtAddr } from './addr.ts';
import type { Codec } from './host.ts';
import { noteLoss } from './losses.ts';

export type ErrorCode =
  | 'format'
  | 'fault'
  | 'unavailable'
  | 'lookup'
  | 'usage'
  | 'open'
  | 'need-resource'
  | 'cancelled'
  | 'internal';

export abstract class VmcoreError extends Error {
  abstract readonly code: ErrorCode;
}

/** Bytes of a file or of a structure in memory do not follow their format. */
export class FormatError extends VmcoreError {
  readonly code = 'format';
  /** What was being read: a section, a note, a table, with the file it is in. */
  readonly section: string;
  /** Where in it, in bytes; undefined where the whole of it is meant. */
  readonly offset: number | undefined;

  constructor(section: string, message: string, offset?: number) {
    super(`${section}: ${message}${offset === undefined ? '' : ` (at offset 0x${offset.toString(16)})`}`);
    this.section = section;
    this.offset = offset;
  }
}

export type AddressSpaceName = 'kernel virtual' | 'user virtual' | 'physical' | 'file';
/**
 * `excluded`: a filter left the page out. `incomplete`: it was dumped, but the file or its writing was cut off.
 * `damaged`: what the file has of it cannot be unpacked or read. `not-in-dump`: none of these.
 */
export type FaultReason = 'not-in-dump' | 'not-mapped' | 'excluded' | 'incomplete' | 'damaged' | 'corrupt';

const faultReasonText: Record<FaultReason, string> = {
  'not-in-dump': 'not in the dump',
  'not-mapped': 'not mapped',
  excluded: 'page excluded by the dump filter',
  incomplete: 'missing, since the dump is cut off or incomplete',
  damaged: 'its page is damaged in the dump',
  corrupt: 'page tables are corrupt',
};

/** Memory that cannot be read. */
export class FaultError extends VmcoreError {
  readonly code = 'fault';
  readonly space: AddressSpaceName;
  readonly address: bigint;
  readonly why: FaultReason;

  constructor(space: AddressSpaceName, address: VirtAddr | bigint | number, why: FaultReason) {
    const at = BigInt(address);
    super(`cannot read ${space} address ${at.toString(16)}: ${faultReasonText[why]}`);
    this.space = space;
    this.address = at;
    this.why = why;
  }
}

/** None of the values that a command was asked for can be had. */
export class UnavailableError extends VmcoreError {
  readonly code = 'unavailable';
}

/** A name that is not there: a symbol, type, member, task, module, command. */
export class LookupError extends VmcoreError {
  readonly code = 'lookup';
  readonly what: string;
  readonly wanted: string;
  readonly suggestions: readonly string[];

  constructor(what: string, name: string, suggestions: readonly string[] = []) {
    const hint = suggestions.length === 0 ? '' : `; did you mean ${suggestions.join(', ')}?`;
    super(`${what} not found: ${name}${hint}`);
    this.what = what;
    this.wanted = name;
    this.suggestions = suggestions;
  }
}

/** The user asked for something in a form we do not take. */
export class UsageError extends VmcoreError {
  readonly code = 'usage';
}

/** The dump or its debug information cannot be opened at all. */
export class OpenError extends VmcoreError {
  readonly code = 'open';
}

/** Something only a face can bring (a file over the network, a codec that starts asynchronously). */
export class NeedResource extends VmcoreError {
  readonly code = 'need-resource';
  readonly resource: Resource;

  constructor(resource: Resource) {
    super(resourceText(resource));
    this.resource = resource;
  }
}

/** What a face can be asked to bring. */
export type Resource =
  /** What `Host.unzstd` runs on. */
  | { readonly kind: 'codec'; readonly codec: 'zstd' }
  /** On disk: what is too large for memory. */
  | { readonly kind: 'unpacked-file'; readonly path: string; readonly codec: Codec; readonly onDisk: boolean }
  /** From a debuginfod server. */
  | { readonly kind: 'debug-file'; readonly buildId: string }
  /** The vmlinux in a kernel image. */
  | { readonly kind: 'unpacked-kernel'; readonly path: string }
  /** By `loadDisassembler` (disasm/disassembler.ts). */
  | { readonly kind: 'disassembler'; readonly architecture: 'x86_64' };

function resourceText(resource: Resource): string {
  switch (resource.kind) {
    case 'codec':
      return `${resource.codec} has to be loaded`;
    case 'unpacked-file':
      return `${resource.codec} is needed to unpack ${resource.path}`;
    case 'unpacked-kernel':
      return `the kernel in ${resource.path} has to be unpacked`;
    case 'debug-file':
      return `the debug file of build-id ${resource.buildId} has to be fetched`;
    case 'disassembler':
      return `the disassembler of ${resource.architecture} has to be loaded`;
    default:
      return assertNever(resource);
  }
}

/** The user stopped the command (Ctrl-C, or a pager that quit). */
export class Cancelled extends VmcoreError {
  readonly code = 'cancelled';
  constructor() {
    super('interrupted');
  }
}

/** An invariant of ours does not hold. */
export class InternalError extends VmcoreError {
  readonly code = 'internal';
}

/** For the default branch of an exhaustive switch. */
export function assertNever(value: never): never {
  throw new InternalError(`unexpected value ${String(value)}`);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Runs `read`; where memory, a name or a format stands in the way, its value is undefined. Bugs pass through.
 * Memory that the dump lacks is tallied (losses.ts): the answer says so at its end.
 */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isExpected(error)) throw error;
    if (error instanceof FaultError) noteLoss(error);
    return undefined;
  }
}

/** Damage and absence that cost one value, not the command. */
export function isExpected(error: unknown): error is FaultError | LookupError | FormatError {
  return error instanceof FaultError || error instanceof LookupError || error instanceof FormatError;
}
