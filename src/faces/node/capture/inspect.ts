/** A quick look at a dump that was just written: does it open, and is VMCOREINFO in it. No vmlinux is needed. */

import { isExpected, OpenError } from '../../../base/errors.ts';
import { FileSource } from '../../../bytes/byte-source.ts';
import { openDump } from '../../../formats/registry.ts';
import { NodeHost } from '../host.ts';

export type Inspection =
  | { readonly format: string; readonly vmcoreinfo: boolean; readonly warnings: readonly string[] }
  | { readonly trouble: string };

export function inspectDump(path: string): Inspection {
  const host = new NodeHost();
  const file = host.open(path);
  if (file === undefined) {
    const why = host.whyNot(path);
    const advice = why === 'permission denied' ? "; it belongs to QEMU's user: sudo chown makes it yours" : '';
    return { trouble: `${path}: ${why}${advice}` };
  }
  try {
    const { format, vmcoreinfo, warnings } = openDump([new FileSource(file)], host);
    return { format, vmcoreinfo: vmcoreinfo !== undefined, warnings };
  } catch (error) {
    if (error instanceof OpenError || isExpected(error)) return { trouble: error.message };
    throw error;
  } finally {
    file.close();
  }
}
