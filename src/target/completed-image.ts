/**
 * A file of the kernel with what it lacks taken out of the dump's memory: debug files made by
 * `objcopy --only-keep-debug` have names for the sections of BTF and ORC, and no bytes (SHT_NOBITS).
 */

import { addVirt, virtAddr, type VirtAddr } from '../base/addr.ts';
import { once } from '../base/search.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { imageInMemory } from '../memory/sparse.ts';
import type { KernelImage } from './kernel-image.ts';
import type { LoadAddress } from './load-address.ts';
import { bannerInMemory, btfInMemory, orcInMemory } from './memory-image.ts';

export function completedByMemory(vmlinux: KernelImage, { slide }: LoadAddress, memory: AddressSpace): KernelImage {
  const running = (name: string): VirtAddr | undefined => {
    const linked = vmlinux.addressOf(name);
    return linked === undefined ? undefined : addVirt(virtAddr(linked), slide);
  };
  const image = imageInMemory(memory, running('_text') ?? virtAddr(0), running('_end') ?? virtAddr(0));
  return {
    name: vmlinux.name,
    path: vmlinux.path,
    symbols: vmlinux.symbols,
    buildId: vmlinux.buildId,
    dwarf: vmlinux.dwarf,
    whyNoDwarf: vmlinux.whyNoDwarf,
    banner: vmlinux.banner ?? bannerInMemory(memory, running),
    btf: once(() => vmlinux.btf() ?? btfInMemory(image, running)),
    orc: once(() => vmlinux.orc() ?? orcInMemory(memory, running, slide)),
    addressOf: (name) => vmlinux.addressOf(name),
    bytesAt: (address, length) => vmlinux.bytesAt(address, length),
  };
}
