/**
 * What the engine may ask of its surroundings. Node's answer is faces/node/host.ts; a browser's is another face's.
 * Everything is synchronous; what cannot be is asked for by throwing NeedResource.
 */

export interface HostFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /**
   * Fills `target` from `offset` on. Returns the number of bytes read: less than the length of `target` only at the
   * end of the file.
   */
  readInto(offset: number, target: Uint8Array): number;
  close(): void;
}

export interface HostEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
}

/** What files are packed with: xz, zstd, gzip. */
export type Codec = 'xz' | 'zst' | 'gz';

/** A file with the debug information of a build: where it is, or why there is none, for the user. */
export type FetchedFile =
  | { readonly path: string }
  /** `asked`: whether any server was; the user may allow none. */
  | { readonly problem: string; readonly asked: boolean };

export interface Host {
  /** Opens a file for reading; undefined where there is none, it is a folder, or it may not be read. */
  open(path: string): HostFile | undefined;
  /** Why `open` would say no, for the user: "no such file", "is a folder", "permission denied". */
  whyNot(path: string): string;
  /** The entries of a folder; empty where there is none. */
  list(path: string): readonly HostEntry[];
  environment(name: string): string | undefined;
  /** Inflates a zlib stream; the result is exactly `size` bytes. Throws FormatError. */
  inflate(data: Uint8Array, size: number): Uint8Array;
  /**
   * Unpacks zstd frames; the result is exactly `size` bytes, and valid until the next call.
   * @throws FormatError
   * @throws NeedResource where the codec has to be loaded first
   */
  unzstd(data: Uint8Array, size: number): Uint8Array;
  /**
   * The unpacked content of a compressed file.
   * @throws NeedResource where the codec cannot run synchronously
   * @throws OpenError where the file is damaged, with the reason
   */
  unpackFile(path: string, codec: Codec): Uint8Array;
  /**
   * As `unpackFile`, for what is too large for memory: the path of the unpacked file, which is kept for the next time.
   * @throws NeedResource where it is not unpacked yet
   * @throws OpenError where it cannot be, with the reason
   */
  unpackedPath(path: string, codec: Codec): string;
  /**
   * A file with the debug information of a build, from a server that the user allows to be asked (debuginfod).
   * @param buildId hex
   * @throws NeedResource where the servers were not asked yet
   */
  fetchDebugFile(buildId: string): FetchedFile;
  /**
   * The vmlinux in a kernel image (`vmlinuz`).
   * @throws NeedResource where it is not unpacked yet
   * @throws OpenError where it cannot be, with the reason
   */
  unpackKernel(path: string): Uint8Array;
}
