/**
 * Compressed kdumps, as makedumpfile, diskdump and QEMU write them; of one file or of the parts of a split dump, in any
 * order. makedumpfile's IMPLEMENTATION and diskdump_mod.h; QEMU's dump/dump.c.
 *
 * Invariants: opening reads headers and notes, and counts the bitmap only where that is cheap. Pages that a filter left
 * out (memory, but not dumped) are told apart from what is no memory.
 */

import { FaultError, FormatError, type FaultReason } from '../../base/errors.ts';
import { physAddr } from '../../base/addr.ts';
import { architectureNamed } from '../../arch/index.ts';
import type { Architecture } from '../../arch/architecture.ts';
import { readUpTo, type ByteSource } from '../../bytes/byte-source.ts';
import { coreNotes, LARGEST_NOTES } from '../core-notes.ts';
import type { DumpImage, DumpMark, PageCodecs, PhysicalRange } from '../dump-image.ts';
import { parseNotes } from '../elf/notes.ts';
import { VmcoreInfo } from '../vmcoreinfo.ts';
import { readKdumpHeader, STATUS_EXCLUDED_VMEMMAP, STATUS_INCOMPLETE, type Extent } from './header.ts';
import { DESCRIPTOR_SIZE, KdumpPages } from './pages.ts';
import { joinParts } from './split.ts';

const signatures = ['KDUMP   ', 'DISKDUMP'];

/** Of a larger bitmap the pages are not counted when the dump is opened. */
const LARGEST_COUNTED_BITMAP = 4 << 20;
/** How many of the last pages tell where the data ends: those of zeros share what stands elsewhere. */
const LAST_PAGES = 256;

export function looksLikeKdump(head: Uint8Array): boolean {
  const text = String.fromCharCode(...head.subarray(0, 8));
  return signatures.includes(text);
}

/**
 * @param sources one kdump, or the parts of a split one
 * @throws FormatError where a header is none of a kdump we know, or the parts are not of one dump
 */
export function openKdump(sources: readonly ByteSource[], codecs: PageCodecs): DumpImage {
  const files = sources.map((source) => new KdumpPages(source, readKdumpHeader(source), codecs));
  const { parts, missing } = joinParts(files);
  const [first] = parts;
  if (first === undefined) throw new FormatError('kdump', 'no file is named');
  const { header, source } = first;
  const warnings = [...missing, ...parts.flatMap(whatIsMissing)];
  const marks = marksOf(parts, warnings.length > 0);
  const architecture = architectureOfMachine(header.machine, source);
  const noted = header.notes && extentOf(first, header.notes, 'notes', warnings);
  const notes = noted === undefined ? [] : parseNotes(noted, `${source.name}: notes`);
  const known = coreNotes(notes, architecture);
  const text = header.vmcoreinfo && extentOf(first, header.vmcoreinfo, 'VMCOREINFO', warnings);
  const vmcoreinfo = text !== undefined && text.length > 0 ? VmcoreInfo.fromBytes(text) : known.vmcoreinfo;
  if (header.notes === undefined || (known.missing && vmcoreinfo === undefined))
    warnings.push(`${source.name}: the processors' registers are not in it (header version ${header.version})`);
  const { blockSize } = header;
  const memory = new KdumpMemory(parts, blockSize);
  return {
    format: `compressed kdump${parts.length > 1 ? ` of ${parts.length} parts` : ''}${known.fromQemu ? ' (QEMU)' : ''}`,
    path: source.name,
    paths: parts.map((part) => part.source.name),
    architecture,
    marks,
    end: header.frames * blockSize,
    cpus: known.cpus,
    vmcoreinfo,
    physBase: header.physBase,
    warnings,
    rangesWithin: (start, end) => memory.rangesWithin(start, end),
    read: (address, target) => memory.read(address, target),
  };
}

function architectureOfMachine(machine: string, source: ByteSource): Architecture {
  const architecture = architectureNamed(machine);
  if (architecture === undefined)
    throw new FormatError(source.name, `is a kdump of a machine that is not supported ("${machine}")`);
  return architecture;
}

function marksOf(parts: readonly KdumpPages[], incomplete: boolean): DumpMark[] {
  const marks: DumpMark[] = [];
  const any = (flag: number): boolean => parts.some(({ header }) => (header.status & flag) !== 0);
  if (parts.some(({ header }) => header.dumpLevel > 0)) marks.push('PARTIAL DUMP');
  if (incomplete) marks.push('INCOMPLETE');
  if (any(STATUS_EXCLUDED_VMEMMAP)) marks.push('EXCLUDED VMEMMAP');
  return marks;
}

/** What the file should have and has not, as far as that can be told without much reading. */
function whatIsMissing(part: KdumpPages): string[] {
  const { header, source } = part;
  const incomplete =
    (header.status & STATUS_INCOMPLETE) === 0
      ? []
      : [`${source.name}: the dump is incomplete: whoever wrote it ran out of space; the last pages are missing`];
  if (source.size < header.dumpedBitmap + header.frames / 8)
    return [...incomplete, `${source.name}: the file is cut off inside its page bitmap: none of its pages can be read`];
  if (header.bitmapSize > LARGEST_COUNTED_BITMAP) return incomplete;
  const pages = part.pagesBefore(part.end);
  const described = Math.max(0, Math.floor((source.size - header.descriptors) / DESCRIPTOR_SIZE));
  if (described < pages) {
    return [
      ...incomplete,
      `${source.name}: the file is cut off inside its page descriptors: none of its ${pages} pages can be read`,
    ];
  }
  let end = 0;
  for (let index = Math.max(0, pages - LAST_PAGES); index < pages; index++)
    end = Math.max(end, part.dataEnd(index) ?? 0);
  return end <= source.size
    ? incomplete
    : [
        ...incomplete,
        `${source.name}: the file is cut off: ${end - source.size} bytes of page data are missing at its end`,
      ];
}

function extentOf({ source }: KdumpPages, { offset, size }: Extent, what: string, warnings: string[]): Uint8Array {
  const bytes = readUpTo(source, offset, Math.min(size, LARGEST_NOTES));
  if (bytes.length < size)
    warnings.push(
      `${source.name}: of the ${what} ${bytes.length} of ${size} bytes are in the file: it is cut off or damaged`,
    );
  return bytes;
}

class KdumpMemory {
  readonly #parts: readonly KdumpPages[];
  readonly #blockSize: number;
  /** The page read last, where a read wanted but a part of it. */
  readonly #page: Uint8Array;
  #pageFrame = -1;

  constructor(parts: readonly KdumpPages[], blockSize: number) {
    this.#parts = parts;
    this.#blockSize = blockSize;
    this.#page = new Uint8Array(blockSize);
  }

  *rangesWithin(start: number, end: number): Generator<PhysicalRange> {
    const size = this.#blockSize;
    let open: { start: number; end: number } | undefined;
    for (const part of this.#parts) {
      for (const run of part.runs(Math.floor(start / size), Math.ceil(end / size))) {
        if (open?.end === run.start * size) {
          open.end = run.end * size;
          continue;
        }
        if (open !== undefined) yield clipped(open, start, end);
        open = { start: run.start * size, end: run.end * size };
      }
    }
    if (open !== undefined) yield clipped(open, start, end);
  }

  read(address: number, target: Uint8Array): void {
    const size = this.#blockSize;
    for (let done = 0; done < target.length;) {
      const at = address + done;
      const within = at % size;
      const length = Math.min(size - within, target.length - done);
      const frame = (at - within) / size;
      if (length === size) {
        this.#check(this.#readPage(frame, target.subarray(done, done + size)), at);
      } else {
        if (this.#pageFrame !== frame) {
          this.#pageFrame = -1;
          this.#check(this.#readPage(frame, this.#page), at);
          this.#pageFrame = frame;
        }
        target.set(this.#page.subarray(within, within + length), done);
      }
      done += length;
    }
  }

  #readPage(frame: number, target: Uint8Array): FaultReason | undefined {
    for (const part of this.#parts) if (frame >= part.start && frame < part.end) return part.read(frame, target);
    return frame < (this.#parts[0]?.header.frames ?? 0) ? 'incomplete' : 'not-in-dump';
  }

  #check(fault: FaultReason | undefined, address: number): void {
    if (fault !== undefined) throw new FaultError('physical', address, fault);
  }
}

function clipped(run: { start: number; end: number }, start: number, end: number): PhysicalRange {
  const from = Math.max(run.start, start);
  return { start: physAddr(from), size: Math.min(run.end, end) - from };
}
