/**
 * Where the kernel was in memory: KASLR's slide, phys_base, and the root of its page tables.
 *
 * Sources, each proved before it is believed: VMCOREINFO; the page tables that a CPU's CR3 points at, or its interrupt
 * descriptor table (QEMU's notes); VMCOREINFO's text found in memory. The proof: at the place found, physical memory
 * holds the vmlinux's own `linux_banner`, and the kernel's page tables lead there from its virtual address.
 *
 * Without an image KASLR step: kernel Documentation/arch/x86/x86_64/mm.rst, arch/x86/boot/compressed/kaslr.c.
 */

import { hex, hex0x, hi32, lo32, physAddr, virtAddr, type VirtAddr } from '../base/addr.ts';
import { attempt, FaultError, OpenError } from '../base/errors.ts';
import { fixedString } from '../bytes/read.ts';
import type { PageTables, PagingMode } from '../arch/architecture.ts';
import { START_KERNEL_MAP } from '../arch/x86-64/layout.ts';
import type { DumpImage } from '../formats/dump-image.ts';
import type { VmcoreInfo } from '../formats/vmcoreinfo.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { firstMapped, processorRoots, rootSymbols } from './image-mapping.ts';
import type { KernelImage } from './kernel-image.ts';
import { scanForVmcoreInfo } from './vmcoreinfo-scan.ts';

export interface LoadAddress {
  /** Run-time minus link-time addresses. */
  readonly slide: bigint;
  /** Physical address of the image mapping's start: physical = virtual − __START_KERNEL_map + phys_base. */
  readonly physBase: bigint;
  readonly paging: PagingMode;
  /** How it was found, for people. */
  readonly origin: string;
  /** Undefined where memory that would prove it is not in the dump. */
  readonly proof: string | undefined;
}

interface Candidate {
  readonly slide: bigint;
  readonly physBase: bigint;
  readonly origin: string;
  readonly encryptionMask: bigint;
}

/** @throws OpenError where no candidate can be proved, with what stands against each */
export function findLoadAddress(vmlinux: KernelImage, physical: PhysicalMemory): LoadAddress {
  const tried: string[] = [];
  let misfit = false;
  for (const candidate of candidates(vmlinux, physical)) {
    const found = prove(candidate, vmlinux, physical);
    if ('paging' in found) return found;
    misfit ||= found.misfit;
    const { origin, slide, physBase } = candidate;
    tried.push(`by ${origin} (KASLR offset ${hex0x(slide)}, phys_base ${physBase}): ${found.why}`);
  }
  const { name, banner } = vmlinux;
  const verdict =
    misfit || tried.length === 0
      ? `${name} does not fit ${physical.image.path}`
      : `${physical.image.path}: the kernel's memory cannot be reached, whatever the vmlinux`;
  const reasons = tried.length === 0 ? ['nothing in the dump tells where the kernel was'] : tried;
  throw new OpenError(
    [
      `${verdict}:`,
      ...reasons.map((reason) => `  ${reason}`),
      `The vmlinux is of "${banner?.trim().slice(0, 80) ?? '?'}…"`,
    ].join('\n'),
  );
}

function* candidates(vmlinux: KernelImage, physical: PhysicalMemory): Generator<Candidate> {
  const { image } = physical;
  const noted = image.vmcoreinfo && fromVmcoreInfo(image.vmcoreinfo, image, vmlinux, 'VMCOREINFO');
  if (noted !== undefined) yield noted;
  yield* fromProcessors(image, vmlinux, physical);
  for (const info of scanForVmcoreInfo(image)) {
    const found = fromVmcoreInfo(info, image, vmlinux, 'VMCOREINFO text found in memory');
    if (found !== undefined) yield found;
  }
}

function fromVmcoreInfo(
  info: VmcoreInfo,
  image: DumpImage,
  vmlinux: KernelImage,
  origin: string,
): Candidate | undefined {
  const slide = info.kernelOffset ?? slideOfSymbols(info, vmlinux);
  const physBase = info.number('phys_base') ?? image.physBase;
  if (slide === undefined || physBase === undefined) return undefined;
  return { slide, physBase, origin, encryptionMask: info.number('sme_mask') ?? 0n };
}

/** Kernels whose VMCOREINFO lacks KERNELOFFSET still name a symbol's run-time address. */
function slideOfSymbols(info: VmcoreInfo, vmlinux: KernelImage): bigint | undefined {
  const running = info.symbol('_stext');
  const linked = vmlinux.addressOf('_stext');
  return running === undefined || linked === undefined ? undefined : running - linked;
}

/** From the page tables each CPU used: the first mapped place of the image area is the kernel's first byte. */
function* fromProcessors(image: DumpImage, vmlinux: KernelImage, physical: PhysicalMemory): Generator<Candidate> {
  const text = vmlinux.addressOf('_text');
  const divide = vmlinux.addressOf('asm_exc_divide_error') ?? vmlinux.addressOf('divide_error');
  for (const { root, levels, idtBase } of processorRoots(image)) {
    const mode = { root: physAddr(root), levels, encryptionMask: 0n };
    const tables = image.architecture.pageTables(physical, mode);
    const first = text === undefined ? undefined : firstMapped(tables);
    if (first !== undefined && text !== undefined) {
      yield candidateAt(first.address - text, first.address, first.physical, 'page tables of a CPU (CR3)');
    }
    const handler = attempt(() => interruptHandler(tables, physical, virtAddr(idtBase)));
    if (handler === undefined || divide === undefined) continue;
    const at = attempt(() => tables.translate(hi32(handler), lo32(handler)));
    if (at !== undefined && at >= 0) {
      yield candidateAt(handler - divide, handler, at, 'interrupt table of a CPU (IDTR)');
    }
  }
}

function candidateAt(slide: bigint, address: bigint, physical: number, origin: string): Candidate {
  return { slide, physBase: BigInt(physical) - (address - START_KERNEL_MAP), origin, encryptionMask: 0n };
}

/** The handler of vector 0, from its gate descriptor: Intel SDM volume 3A, figure 6-8. */
function interruptHandler(tables: PageTables, physical: PhysicalMemory, idt: VirtAddr): VirtAddr | undefined {
  const at = tables.translate(hi32(idt), lo32(idt));
  if (at < 0) return undefined;
  const gate = new Uint8Array(16);
  physical.read(at, gate);
  const view = new DataView(gate.buffer);
  const low = BigInt(view.getUint16(0, true)) | (BigInt(view.getUint16(6, true)) << 16n);
  return virtAddr(low | (BigInt(view.getUint32(8, true)) << 32n));
}

/** Why a candidate cannot be believed. `misfit`: memory is there, and says something else. */
interface Refutation {
  readonly why: string;
  readonly misfit: boolean;
}

function prove(candidate: Candidate, vmlinux: KernelImage, physical: PhysicalMemory): LoadAddress | Refutation {
  const { slide, physBase, origin, encryptionMask } = candidate;
  const banner = vmlinux.addressOf('linux_banner');
  const rootName = rootSymbols.find((name) => vmlinux.addressOf(name) !== undefined);
  const rootAddress = rootName === undefined ? undefined : vmlinux.addressOf(rootName);
  if (banner === undefined || rootAddress === undefined) {
    return { why: `the vmlinux has no symbol linux_banner or ${rootSymbols.join(', ')}`, misfit: true };
  }
  const toPhysical = (link: bigint): number => Number(link + slide - START_KERNEL_MAP + physBase);
  const bannerAt = toPhysical(banner);
  const rootAt = toPhysical(rootAddress);
  if (![bannerAt, rootAt].every((at) => Number.isSafeInteger(at) && at >= 0)) {
    return { why: 'its symbols would lie outside of physical memory', misfit: true };
  }
  const readable = readText(physical, bannerAt);
  if (readable !== undefined && !isBanner(readable, vmlinux)) {
    return { why: "the kernel's banner (linux_banner) is not at its place in memory", misfit: true };
  }
  const roots = [rootAt, ...processorRoots(physical.image).map(({ root }) => root)];
  const modes = roots.flatMap((root) =>
    [5, 4].map((levels): PagingMode => ({ root: physAddr(root), levels, encryptionMask })),
  );
  const paging = modes.find((mode) => {
    const tables = physical.image.architecture.pageTables(physical, mode);
    const address = virtAddr(banner + slide);
    return attempt(() => tables.translate(hi32(address), lo32(address))) === bannerAt;
  });
  if (paging === undefined) {
    const place = readable === undefined ? 'is not in the dump' : 'is at its place';
    const looked = roots.map((root) => hex(root)).join(', ');
    return {
      why: `linux_banner ${place}, but no page table leads there (looked at ${looked}): missing or damaged`,
      misfit: false,
    };
  }
  const proof = readable === undefined ? undefined : `linux_banner read at ${hex(banner + slide)}`;
  return { slide, physBase, paging, origin, proof };
}

/** Whether a text of memory is the vmlinux's own banner; of a file that has none, any kernel's. */
function isBanner(text: string, { banner }: KernelImage): boolean {
  return banner === undefined ? text.startsWith('Linux version ') : text === banner;
}

/** Undefined where the memory is not in the dump. */
function readText(physical: PhysicalMemory, address: number): string | undefined {
  const bytes = new Uint8Array(512);
  try {
    physical.read(address, bytes);
  } catch (error) {
    if (error instanceof FaultError) return undefined;
    throw error;
  }
  return fixedString(bytes);
}
