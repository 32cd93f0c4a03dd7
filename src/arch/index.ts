/** The architectures there are. */

import type { Architecture } from './architecture.ts';
import { x86_64 } from './x86-64/index.ts';

const architectures: readonly Architecture[] = [x86_64];

/** The architecture of an ELF `e_machine`, or undefined where it is not supported. */
export function architectureOf(elfMachine: number): Architecture | undefined {
  return architectures.find((architecture) => architecture.elfMachine === elfMachine);
}

/** By the name that `uname -m` gives it. */
export function architectureNamed(name: string): Architecture | undefined {
  return architectures.find((architecture) => architecture.name === name);
}
