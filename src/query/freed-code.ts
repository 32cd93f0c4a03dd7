/**
 * The init code of a module, which the kernel frees when the module has started: its place in memory may hold another
 * module's code since, so it is found by name alone, in the module's debug file.
 */

import { FaultError, NeedResource } from '../base/errors.ts';
import type { VirtAddr } from '../base/addr.ts';
import { NOT_PATCHED } from '../kernel/code.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ModuleDebug } from '../kernel/module-debug.ts';
import type { Module } from '../kernel/modules.ts';
import { CodeFile } from '../target/code-file.ts';
import { fileCode, kernelCode, type CodeView } from './code-view.ts';

const INIT_TEXT = '.init.text';

/** A function that was freed; undefined where no module's debug file has one of that name. */
export function freedInitCode(kernel: Kernel, name: string): { view: CodeView; address: VirtAddr } | undefined {
  for (const module of kernel.modules().modules) {
    const debug = module.sections().some((section) => section.name === INIT_TEXT) ? debugAtHand(module) : undefined;
    if (debug === undefined) continue;
    const addresses = new Map(module.sections().map((section) => [section.name, section.address]));
    const file = new CodeFile(debug.elf, kernel.target.host, (section) => addresses.get(section));
    const symbol = file.symbols.named(name).find(({ address }) => file.sectionAt(address) === INIT_TEXT);
    if (symbol !== undefined) return { view: freedView(kernel, module, file), address: symbol.address };
  }
  return undefined;
}

/** Files that would have to be unpacked first are not: a mistyped name is no reason to unpack every module. */
function debugAtHand(module: Module): ModuleDebug | undefined {
  try {
    return module.debug();
  } catch (error) {
    if (error instanceof NeedResource) return undefined;
    throw error;
  }
}

function freedView(kernel: Kernel, module: Module, file: CodeFile): CodeView {
  const own = fileCode(file);
  const live = kernelCode(kernel);
  const isFreed = (address: VirtAddr): boolean => file.sectionAt(address) === INIT_TEXT;
  return {
    ...live,
    asBuilt: true,
    read: (address, length) => {
      const bytes = file.loadedBytesAt(address, length, (name) => kernel.symbols.named(name)[0]?.address);
      if (bytes === undefined || bytes.length === 0) throw new FaultError('file', address, 'not-in-dump');
      const substitute = `bytes from ${file.path}: ${INIT_TEXT} of ${module.name} is freed when the module has started; ${NOT_PATCHED}`;
      return { pieces: [{ address, bytes, substitute, slide: 0n }], fault: undefined };
    },
    rangeAt: (address) => own.rangeAt(address),
    labelAt: (address) => {
      if (!isFreed(address)) return live.labelAt(address);
      const label = own.labelAt(address);
      return label && { ...label, module: module.name };
    },
    linesAt: (address) => own.linesAt(address),
  };
}
