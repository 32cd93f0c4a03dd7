/**
 * Where debug files are kept that were fetched or unpacked: our own folder below the XDG cache (XDG Base Directory
 * Specification), and the one that all clients of debuginfod share (debuginfod-client-config(7), "CACHE").
 */

import type { Host } from '../base/host.ts';

/** Undefined where the user has no home. */
export function vmscopeCache(host: Host): string | undefined {
  const cache = xdgCache(host);
  return cache === undefined ? undefined : `${cache}/vmscope`;
}

/** Of unpacked kernels, by build-id: UNPACKED/BUILD-ID/vmlinux. */
export function unpackedFolder(host: Host): string | undefined {
  const cache = vmscopeCache(host);
  return cache === undefined ? undefined : `${cache}/unpacked`;
}

/** Files in it are at BUILD-ID/debuginfo; an empty one says that the servers had none. */
export function debuginfodCache(host: Host): string | undefined {
  const own = set(host, 'DEBUGINFOD_CACHE_PATH');
  if (own !== undefined) return own;
  const home = set(host, 'HOME');
  const old = home === undefined ? undefined : `${home}/.debuginfod_client_cache`;
  if (old !== undefined && host.list(old).length > 0) return old;
  const cache = xdgCache(host);
  return cache === undefined ? undefined : `${cache}/debuginfod_client`;
}

/** A file with the debug information of a build that some client has fetched. */
export function fetchedBefore(host: Host, buildId: string): string | undefined {
  const cache = debuginfodCache(host);
  const path = `${cache ?? ''}/${buildId}/debuginfo`;
  const file = cache === undefined ? undefined : host.open(path);
  file?.close();
  return file !== undefined && file.size > 0 ? path : undefined;
}

function xdgCache(host: Host): string | undefined {
  const named = set(host, 'XDG_CACHE_HOME');
  // "All paths must be absolute"; others are to be ignored.
  if (named?.startsWith('/') === true) return named;
  const home = set(host, 'HOME');
  return home === undefined ? undefined : `${home}/.cache`;
}

function set(host: Host, name: string): string | undefined {
  const value = host.environment(name);
  return value === undefined || value === '' ? undefined : value;
}
