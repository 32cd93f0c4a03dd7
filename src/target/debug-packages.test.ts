import { describe, expect, it } from 'vitest';
import { debugPackageOf, distributionByDebuginfod } from './debug-packages.ts';

const named = (release: string, banner?: string): string | undefined => debugPackageOf(release, banner)?.name;

describe("the package with a kernel's debug information", () => {
  it.each([
    ['6.1.0-56-cloud-amd64', 'linux-image-6.1.0-56-cloud-amd64-dbg'],
    ['6.12.48+deb13-amd64', 'linux-image-6.12.48+deb13-amd64-dbg'],
    ['6.12.9+bpo-amd64', 'linux-image-6.12.9+bpo-amd64-dbg'],
    ['7.2-cloud-amd64', 'linux-image-7.2-cloud-amd64-dbg'],
    ['5.10.0-32-rt-amd64', 'linux-image-5.10.0-32-rt-amd64-dbg'],
    ['5.15.0-91-generic', 'linux-image-5.15.0-91-generic-dbgsym'],
    ['6.8.0-1009-aws', 'linux-image-6.8.0-1009-aws-dbgsym'],
    ['5.14.0-362.8.1.el9_3.x86_64', 'kernel-debuginfo-5.14.0-362.8.1.el9_3.x86_64'],
    ['5.14.0-362.8.1.el9_3.x86_64+rt', 'kernel-rt-debuginfo-5.14.0-362.8.1.el9_3.x86_64'],
    ['4.18.0-553.el8_10.aarch64', 'kernel-debuginfo-4.18.0-553.el8_10.aarch64'],
    ['3.10.0-1160.71.1.el7.x86_64', 'kernel-debuginfo-3.10.0-1160.71.1.el7.x86_64'],
    ['5.15.0-205.149.5.1.el9uek.x86_64', 'kernel-uek-debuginfo-5.15.0-205.149.5.1.el9uek.x86_64'],
    ['6.11.4-301.fc41.x86_64', 'kernel-debuginfo-6.11.4-301.fc41.x86_64'],
    ['6.11.4-301.fc41.x86_64+debug', 'kernel-debug-debuginfo-6.11.4-301.fc41.x86_64'],
    ['6.1.109-118.189.amzn2023.x86_64', 'kernel-debuginfo-6.1.109-118.189.amzn2023.x86_64'],
    ['5.14.21-150500.55.7-default', 'kernel-default-debuginfo'],
    ['6.4.0-150600.21-azure', 'kernel-azure-debuginfo'],
    ['5.10.0-60.18.0.50.oe2203.x86_64', 'kernel-debuginfo-5.10.0-60.18.0.50.oe2203.x86_64'],
  ])('%s', (release, name) => {
    expect(named(release)).toBe(name);
  });

  it('is decided by the banner where the release could be of several', () => {
    expect(named('6.4.0-150600.21-azure', 'Linux version 6.4.0 (geeko@buildhost)')).toBe('kernel-azure-debuginfo');
    expect(named('6.8.0-1009-azure', 'Linux version 6.8.0 (buildd@lcy02) … #9-Ubuntu SMP')).toBe(
      'linux-image-6.8.0-1009-azure-dbgsym',
    );
    expect(named('6.1.0-56-amd64', 'Linux version 6.1.0 (me@home)')).toBeUndefined();
  });

  it('is none where a distribution serves debug information by debuginfod alone', () => {
    for (const release of ['6.9.1-arch1-1', '6.9.1-zen1-1-zen']) {
      expect(distributionByDebuginfod(release)).toBe('Arch Linux');
      expect(debugPackageOf(release)).toBeUndefined();
    }
    expect(distributionByDebuginfod('5.15.0-91-generic')).toBeUndefined();
  });

  it('is not made up for what no row knows, nor of what no kernel is called', () => {
    expect(named('6.9.0')).toBeUndefined();
    expect(named('6.6.30-1-lts')).toBeUndefined();
    expect(named('6.8.12-1-pve')).toBeUndefined();
    expect(named('6.9.0-rc1-00012-gdeadbeef1234')).toBeUndefined();
    expect(named('6.1.0-1-generic; rm -rf x')).toBeUndefined();
    expect(named('$(reboot)-amd64')).toBeUndefined();
    expect(debugPackageOf(undefined)).toBeUndefined();
  });
});
