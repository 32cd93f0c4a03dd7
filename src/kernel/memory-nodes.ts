/** Memory nodes: struct pglist_data, kernel include/linux/mmzone.h. */

import { addVirt } from '../base/addr.ts';
import { attempt } from '../base/errors.ts';
import type { Kernel } from './kernel.ts';

const MOST_NODES = 1024;

/** The node a page frame belongs to; undefined where none spans it. Throws where the nodes cannot be read. */
export function memoryNodeOf(kernel: Kernel, frame: number): number | undefined {
  const { memory } = kernel;
  const counter = kernel.addressOf('nr_node_ids');
  const count = counter === undefined ? 1 : Math.min(memory.u32(counter), MOST_NODES);
  // Without CONFIG_NUMA there is one, `contig_page_data`.
  const table = kernel.addressOf('node_data');
  if (count <= 1 || table === undefined) return 0;
  for (let id = 0; id < count; id++) {
    const node = memory.pointer(addVirt(table, id * 8));
    if (node === 0n) continue;
    const view = kernel.struct('pglist_data', node);
    const start = attempt(() => view.number('node_start_pfn'));
    const pages = attempt(() => view.number('node_spanned_pages'));
    if (start !== undefined && pages !== undefined && frame >= start && frame < start + pages) return id;
  }
  return undefined;
}
