/** Where `faddr2line` looks functions up: the kernel in a dump with its modules, or a file by itself. */

import type { VirtAddr } from '../base/addr.ts';
import type { KernelSymbol } from '../debuginfo/symbols/symbol-table.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { CodeFile } from '../target/code-file.ts';
import { fileCode, kernelCode } from './code-view.ts';
import type { FunctionSource } from './function-lines.ts';

export function functionsOfKernel(kernel: Kernel): FunctionSource {
  const { symbols } = kernel;
  return {
    view: kernelCode(kernel),
    what: 'this kernel',
    named: (name, module) =>
      different(
        symbols
          .named(name)
          .filter((symbol) => symbols.isText(symbol.address) && (module === undefined || symbol.module === module)),
      ),
    names: () => namesIn(symbols.all()),
  };
}

/** A file has one object's code: the module that is named is taken to be this one. */
export function functionsOfFile(file: CodeFile): FunctionSource {
  const { symbols } = file;
  return {
    view: fileCode(file),
    what: file.path,
    named: (name) => different(symbols.named(name).filter(({ address }) => file.isCode(address))),
    names: () => namesIn(symbols.all()),
  };
}

function different(symbols: readonly KernelSymbol[]): VirtAddr[] {
  return Array.from(new Set(symbols.map(({ address }) => address)));
}

function* namesIn(symbols: Iterable<KernelSymbol>): Generator<string> {
  for (const { name } of symbols) yield name;
}
