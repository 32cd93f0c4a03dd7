/** What the user is told when no vmlinux was found: which one is wanted, how to get it, and where it was looked for. */

import { debugPackageOf, distributionByDebuginfod } from './debug-packages.ts';
import type { LookedAt } from './find-vmlinux.ts';
import type { WantedKernel } from './vmlinux-places.ts';

/** It asks the servers of the distributions. */
const COMMON_SERVER = 'https://debuginfod.elfutils.org';

export function missingVmlinuxText(wanted: WantedKernel, looked: readonly LookedAt[]): string {
  return [
    `${wanted.dump}: no vmlinux${kernelText(wanted)} was found.`,
    ...waysToGetIt(wanted, looked),
    'Looked at, each also packed (.xz, .gz, .zst):',
    ...looked.map(({ place, problem }) => `  ${place}: ${problem}`),
  ].join('\n');
}

/** In one line, for who works without it: "apt install linux-image-…-dbg (Debian)". */
export function howToGetDebugInfo({ release, buildId, banner }: WantedKernel): string {
  const found = debugPackageOf(release, banner);
  const id = buildId === undefined ? '' : `; its build-id is ${buildId}`;
  if (found !== undefined) return `${found.command} (${found.distribution})${id}`;
  return buildId === undefined ? 'name its vmlinux on the command line' : `--debuginfod may fetch it${id}`;
}

function kernelText({ release, buildId }: WantedKernel): string {
  return `${release === undefined ? '' : ` of ${release}`}${buildId === undefined ? '' : ` (build-id ${buildId})`}`;
}

function waysToGetIt(wanted: WantedKernel, looked: readonly LookedAt[]): string[] {
  const { dump, buildId, release, banner } = wanted;
  const found = debugPackageOf(release, banner);
  const served = distributionByDebuginfod(release);
  const lines: string[] = [];
  if (found !== undefined) {
    lines.push(
      `The package ${found.name} of ${found.distribution} ${found.sure ? 'has' : 'usually has'} it:`,
      `  ${found.command}`,
    );
  }
  if (served !== undefined) lines.push(`${served} has it on its debuginfod server, if anywhere.`);
  if (buildId !== undefined && !looked.some(({ asked }) => asked === true)) {
    lines.push(
      'A debuginfod server may have it, of the distribution or the one that asks them all:',
      `  vmscope --debuginfod=${COMMON_SERVER} ${dump}`,
      `  DEBUGINFOD_URLS=${COMMON_SERVER} debuginfod-find debuginfo ${buildId}`,
    );
  }
  lines.push(
    'Where you have it, name it, or the folder it is in:',
    `  vmscope vmlinux ${dump}`,
    `  vmscope --debug-dir DIR ${dump}`,
  );
  return lines;
}
