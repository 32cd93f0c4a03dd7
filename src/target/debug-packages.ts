/**
 * Which package has the vmlinux of a kernel, and which command brings it: told from the release ("6.1.0-9-amd64") and,
 * where it is known, the banner ("Linux version …"). A row says whether its package name was seen to be right
 * (on a machine or in the distribution's own manual), or is only what such names usually are.
 */

import { isName } from './vmlinux-places.ts';

export interface DebugPackage {
  readonly distribution: string;
  readonly name: string;
  /** For the shell. */
  readonly command: string;
  /** False where the name is only what such names usually are. */
  readonly sure: boolean;
}

interface Row {
  readonly distribution: string;
  /** Of the release. Its groups make the name. */
  readonly release: RegExp;
  /** Of the banner: where it is known and does not match, the row does not hold. */
  readonly banner?: RegExp;
  readonly name: (groups: RegExpExecArray) => string;
  readonly command: (name: string) => string;
  readonly sure: boolean;
}

const withDnf = (name: string): string => `dnf install --enablerepo='*debug*' ${name}`;
const withYum = (name: string): string => `yum install --enablerepo='*debug*' ${name}`;
/** kernel-debuginfo, kernel-rt-debuginfo: VERSION.DIST.ARCH, perhaps with +VARIANT behind it. */
const rpmName = ([, version = '', variant]: RegExpExecArray): string =>
  `kernel-${variant === undefined ? '' : `${variant}-`}debuginfo-${version}`;
const VARIANT = String.raw`(?:[+.](rt|debug|64k|rt-debug|64k-debug|lpae))?$`;

const rows: readonly Row[] = [
  {
    distribution: 'Oracle Linux',
    release: /^(.+\.el\d+(?:_\d+)?uek\.\w+)$/,
    name: ([, version = '']) => `kernel-uek-debuginfo-${version}`,
    command: withDnf,
    sure: true,
  },
  {
    distribution: 'Red Hat Enterprise Linux or a distribution made of it',
    release: new RegExp(String.raw`^(.+\.el[67](?:\.\w+)*?\.(?:x86_64|aarch64|ppc64le|s390x))${VARIANT}`),
    name: rpmName,
    command: withYum,
    sure: false,
  },
  {
    distribution: 'Red Hat Enterprise Linux or a distribution made of it',
    release: new RegExp(String.raw`^(.+\.el\d+\w*(?:\.\w+)*?\.(?:x86_64|aarch64|ppc64le|s390x))${VARIANT}`),
    name: rpmName,
    command: withDnf,
    sure: false,
  },
  {
    distribution: 'Fedora',
    release: new RegExp(String.raw`^(.+\.fc\d+\.(?:x86_64|aarch64|ppc64le|s390x))${VARIANT}`),
    name: rpmName,
    command: withDnf,
    sure: false,
  },
  {
    distribution: 'Amazon Linux',
    release: /^(.+\.amzn2\.\w+)$/,
    name: rpmName,
    command: withYum,
    sure: false,
  },
  {
    distribution: 'Amazon Linux',
    release: /^(.+\.amzn\d+\.\w+)$/,
    name: rpmName,
    command: withDnf,
    sure: false,
  },
  {
    distribution: 'SUSE',
    release: /^(?<version>\d[\w.]*-[\d.]+)-(?<flavour>default|rt|azure|preempt|kvmsmall|debug|vanilla|longterm|64kb)$/,
    banner: /suse|geeko/i,
    name: ([, , flavour = '']) => `kernel-${flavour}-debuginfo`,
    command: (name) => `zypper install ${name}`,
    sure: false,
  },
  {
    distribution: 'Debian',
    release:
      /^(\d[\w.+~]*(?:-\d[\w.~]*)?(?:-(?:cloud|rt))*-(?:amd64|686(?:-pae)?|arm64(?:-16k)?|ppc64el|s390x|riscv64|loong64))$/,
    banner: /Debian/,
    name: ([, release = '']) => `linux-image-${release}-dbg`,
    command: (name) => `apt install ${name}`,
    sure: true,
  },
  {
    distribution: 'Ubuntu',
    release:
      /^(\d+\.\d+\.0-\d+-(?:generic|lowlatency|aws|azure|fips|gcp|gke|gkeop|ibm|intel|kvm|nvidia|oem|oracle|raspi|realtime)[\w-]*)$/,
    banner: /Ubuntu/,
    name: ([, release = '']) => `linux-image-${release}-dbgsym`,
    command: (name) => `apt install ${name}`,
    sure: true,
  },
  {
    distribution: 'an RPM distribution',
    release: /^(.+\.(?:oe|an|al|oc|tl|ky|azl|cm|ph|mga|sl)\w*\.(?:x86_64|aarch64))$/,
    name: rpmName,
    command: withDnf,
    sure: false,
  },
];

/** Undefined where the release tells of none. */
export function debugPackageOf(release: string | undefined, banner?: string): DebugPackage | undefined {
  // What is not a mere name comes from a damaged dump: nobody is to paste it into a shell.
  if (release === undefined || !isName(release)) return undefined;
  for (const { distribution, release: pattern, banner: signature, name, command, sure } of rows) {
    const groups = pattern.exec(release);
    if (groups === null || (banner !== undefined && signature !== undefined && !signature.test(banner))) continue;
    const full = name(groups);
    return { distribution, name: full, command: command(full), sure };
  }
  return undefined;
}

/** A distribution that usually has debug information on its debuginfod server, not in a package. */
export function distributionByDebuginfod(release: string | undefined): string | undefined {
  return release !== undefined && /-(arch\d+-\d+|zen\d+-\d+-zen|hardened\d+-\d+-hardened)$/.test(release)
    ? 'Arch Linux'
    : undefined;
}
