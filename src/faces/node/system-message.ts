/** What the operating system said, in words for the user. */

import { messageOf } from '../../base/errors.ts';

const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'is a folder',
  ENOTDIR: 'a part of the path is no folder',
  ENOSPC: 'no space left on device',
  EROFS: 'the file system is read-only',
  EIO: 'the disk reports an error',
};

export function systemMessage(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return words[code] ?? messageOf(error);
}
