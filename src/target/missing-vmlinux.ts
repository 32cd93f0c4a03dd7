/** What the user is told when no vmlinux was found: which one is wanted, where it was looked for, how to get it. */

import type { LookedAt } from './find-vmlinux.ts';
import type { WantedKernel } from './vmlinux-places.ts';

export function missingVmlinuxText(wanted: WantedKernel, looked: readonly LookedAt[]): string {
  return [
    `${wanted.dump}: no vmlinux${kernelText(wanted)} was found. Name it on the command line: vmscope vmlinux vmcore`,
    'Looked at:',
    ...looked.map(({ place, problem }) => `  ${place}: ${problem}`),
  ].join('\n');
}

function kernelText({ release, buildId }: WantedKernel): string {
  return `${release === undefined ? '' : ` of ${release}`}${buildId === undefined ? '' : ` (build-id ${buildId})`}`;
}
