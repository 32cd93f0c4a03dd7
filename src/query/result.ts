/** Every kind of answer a command may give. Text and JSON are made from these and from nothing else. */

import type { AddressIdentity } from './address-identity.ts';
import type { FrameReport, RegisterReport, VariableReport } from './chosen-frame.ts';
import type { Backtrace } from './backtrace.ts';
import type { ExceptionFrames } from './exception-frames.ts';
import type { ExpressionValue, PerCpuAddresses } from './expression.ts';
import type { ListReport } from './list-entries.ts';
import type { Disassembly } from './disassembly.ts';
import type { FunctionLines } from './function-lines.ts';
import type { LogReport } from './log.ts';
import type { MemoryDump, RawMemory } from './memory-dump.ts';
import type { SearchReport } from './memory-search.ts';
import type { UnreadObjects } from './object-array.ts';
import type { ModuleReport, TaintReport } from './module-list.ts';
import type { OriginReport } from './origin-report.ts';
import type { ProcessList } from './process-list.ts';
import type { RawStack } from './raw-stack.ts';
import type { RunTimes } from './run-times.ts';
import type { StackOverflows } from './stack-overflow.ts';
import type { StackText } from './stack-text.ts';
import type { StructureReport } from './structure.ts';
import type { SlabObjects } from './slab-objects.ts';
import type { SlabCacheReport } from './slab-report.ts';
import type { SourceListing } from './source-listing.ts';
import type { SymbolReport } from './symbol-lookup.ts';
import type { SystemReport } from './system.ts';
import type { TaskInfo } from './task-info.ts';
import type { Translation } from './translate.ts';
import type { Declaration, EnumDefinition, TypeDefinition } from './type-definition.ts';
import type { TypeList } from './type-search.ts';

/** Text that is an answer of its own: help, a session variable. */
export interface TextResult {
  readonly type: 'text';
  readonly lines: readonly string[];
}

/** Something that kept one part of an answer back, between those that came. */
export interface NoteResult {
  readonly type: 'note';
  readonly message: string;
}

export type Result =
  | AddressIdentity
  | Backtrace
  | ExceptionFrames
  | Declaration
  | EnumDefinition
  | ExpressionValue
  | ListReport
  | Disassembly
  | FrameReport
  | FunctionLines
  | LogReport
  | MemoryDump
  | ModuleReport
  | NoteResult
  | OriginReport
  | PerCpuAddresses
  | ProcessList
  | RawStack
  | RegisterReport
  | RunTimes
  | StackOverflows
  | StackText
  | StructureReport
  | RawMemory
  | SearchReport
  | SlabCacheReport
  | SlabObjects
  | SourceListing
  | SymbolReport
  | SystemReport
  | TaintReport
  | TaskInfo
  | TextResult
  | Translation
  | TypeDefinition
  | TypeList
  | UnreadObjects
  | VariableReport;
