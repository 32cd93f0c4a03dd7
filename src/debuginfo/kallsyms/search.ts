/**
 * Finds the tables of kallsyms by their structure, where nothing names them. The token index is what cannot be taken
 * for anything else; the token table ends where it begins. The markers before that are ascending numbers from zero, and
 * lead to where the names begin; the number of symbols stands before those.
 */

import { addVirt, type VirtAddr } from '../../base/addr.ts';
import { asWords } from '../../bytes/read.ts';
import { imageChunks, type ImageMemory } from '../../memory/sparse.ts';
import { LARGEST_STEP, MARKER_ALIGNMENT, MARKER_STEP, runsOfMarkers } from './markers.ts';
import { recordSize } from './names.ts';
import type { KallsymsPlaces } from './tables.ts';
import { isTokenIndex, isTokenTable, LARGEST_TOKEN_TABLE, LONGEST_TOKEN, TOKEN_INDEX_SIZE } from './tokens.ts';

/** The tables are aligned to it at least. */
const ALIGNMENT = 4;
/** A kernel has one token index; a copy of another kernel's may lie in the image, too. */
const MOST_TRIED = 16;
/** The names of a kernel with a million symbols, and the sequence by name. */
const MOST_BEFORE_TOKENS = 1 << 24;

export interface FoundPlaces extends KallsymsPlaces {
  readonly count: number;
}

/** The places where the tables may be. */
export function* searchTables(image: ImageMemory): Generator<FoundPlaces> {
  let tried = 0;
  for (const tokenIndex of tokenIndices(image)) {
    if (tried++ === MOST_TRIED) return;
    const tokenTable = tokenTableBefore(image, tokenIndex);
    if (tokenTable === undefined) continue;
    const start = addVirt(tokenTable, -MOST_BEFORE_TOKENS);
    const from = start < image.start ? image.start : start;
    const before = image.read(from, Number(tokenTable - from)).bytes;
    for (const { numSyms, names, count } of namesIn(before)) {
      yield { numSyms: addVirt(from, numSyms), names: addVirt(from, names), tokenTable, tokenIndex, count };
    }
  }
}

function* tokenIndices(image: ImageMemory): Generator<VirtAddr> {
  for (const { address, bytes } of imageChunks(image, TOKEN_INDEX_SIZE - ALIGNMENT)) {
    const words = asWords(bytes);
    for (let index = 0; index < words.length; index++) {
      // The first token begins at zero, the next one soon after.
      const word = words[index] as number;
      if ((word & 0xffff) === 0 && word !== 0 && word >>> 16 <= LONGEST_TOKEN && isTokenIndex(bytes, index * ALIGNMENT))
        yield addVirt(address, index * ALIGNMENT);
    }
  }
}

function tokenTableBefore(image: ImageMemory, tokenIndex: VirtAddr): VirtAddr | undefined {
  const index = image.read(tokenIndex, TOKEN_INDEX_SIZE).bytes;
  const start = addVirt(tokenIndex, -LARGEST_TOKEN_TABLE);
  const { bytes } = image.read(start, LARGEST_TOKEN_TABLE);
  for (let at = bytes.length - ALIGNMENT; at >= 0; at -= ALIGNMENT)
    if (isTokenTable(bytes, at, index)) return addVirt(start, at);
  return undefined;
}

/** Offsets in the bytes before the token table. */
function* namesIn(bytes: Uint8Array): Generator<{ numSyms: number; names: number; count: number }> {
  for (const { at, markers } of runsOfMarkers(bytes)) {
    const found = namesBefore(bytes, at, markers);
    if (found !== undefined) yield found;
  }
}

/** The names that markers lead to, and that end where the markers begin. */
function namesBefore(
  bytes: Uint8Array,
  markersStart: number,
  markers: readonly number[],
): { numSyms: number; names: number; count: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // What follows the markers may look like one or two more of them.
  const last = markers[Math.max(0, markers.length - 3)] ?? 0;
  for (let names = markersStart - last - 1; names >= 8; names--) {
    if (markersStart - names > (markers.at(-1) ?? 0) + LARGEST_STEP) return undefined;
    if (names % ALIGNMENT !== 0) continue;
    for (const gap of [4, 8]) {
      const count = view.getUint32(names - gap, true);
      const wanted = Math.ceil(count / MARKER_STEP);
      if (wanted > markers.length || wanted < markers.length - 2) continue;
      if (leadTo(bytes, names, count, markers, markersStart)) return { numSyms: names - gap, names, count };
    }
  }
  return undefined;
}

/** Whether records begin where the markers say, and the last one ends where the markers begin. */
function leadTo(
  bytes: Uint8Array,
  names: number,
  count: number,
  markers: readonly number[],
  markersStart: number,
): boolean {
  let at = names;
  let lost = 0;
  let isLost = false;
  for (let index = 0; index < count; index++) {
    const marker = index % MARKER_STEP === 0 ? markers[index / MARKER_STEP] : undefined;
    // Behind records that are missing a marker leads on.
    if (marker !== undefined && at !== names + marker) {
      if (!isLost) return false;
      at = names + marker;
    }
    const size = recordSize(bytes, at);
    isLost = size === 0;
    if (isLost) lost++;
    at += size;
  }
  return lost > 0 ? lost * 4 < count : at <= markersStart && markersStart - at < MARKER_ALIGNMENT;
}
