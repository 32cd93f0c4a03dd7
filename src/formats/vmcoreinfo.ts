/**
 * VMCOREINFO: the text the kernel leaves for dump tools, KEY=VALUE lines
 * (kernel Documentation/admin-guide/kdump/vmcoreinfo.rst). Numbers are decimal, addresses and KERNELOFFSET hex.
 */

import { virtAddr, type VirtAddr } from '../base/addr.ts';
import { decodeText } from '../bytes/read.ts';

const NEW_LINE = 0x0a;

export class VmcoreInfo {
  readonly text: string;
  readonly #values = new Map<string, string>();

  constructor(text: string) {
    this.text = text;
    for (const line of text.split('\n')) {
      const equals = line.indexOf('=');
      if (equals > 0) this.#values.set(line.slice(0, equals), line.slice(equals + 1));
    }
  }

  /** From the bytes of a note or of the kernel's buffer: text up to the first zero. A line that was cut off is dropped. */
  static fromBytes(bytes: Uint8Array): VmcoreInfo {
    const zero = bytes.indexOf(0);
    const end = bytes.subarray(0, zero < 0 ? bytes.length : zero).lastIndexOf(NEW_LINE) + 1;
    return new VmcoreInfo(decodeText(bytes.subarray(0, end)));
  }

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  get release(): string | undefined {
    return this.get('OSRELEASE');
  }

  get buildId(): string | undefined {
    return this.get('BUILD-ID')?.toLowerCase();
  }

  /** KASLR: how far the kernel's virtual addresses lie above the link-time ones. Hex without prefix. */
  get kernelOffset(): bigint | undefined {
    return parseHex(this.get('KERNELOFFSET'));
  }

  /** SYMBOL(name): a run-time virtual address. */
  symbol(name: string): VirtAddr | undefined {
    const value = parseHex(this.get(`SYMBOL(${name})`));
    return value === undefined ? undefined : virtAddr(value);
  }

  /** NUMBER(name): decimal, signed (phys_base may be negative). */
  number(name: string): bigint | undefined {
    const value = this.get(`NUMBER(${name})`);
    return value !== undefined && /^-?\d+$/.test(value) ? BigInt(value) : parseHex(value);
  }

  /** OFFSET(struct.member) in bytes. */
  offset(member: string): number | undefined {
    return decimal(this.get(`OFFSET(${member})`));
  }

  /** SIZE(struct) in bytes. */
  structSize(name: string): number | undefined {
    return decimal(this.get(`SIZE(${name})`));
  }
}

function parseHex(text: string | undefined): bigint | undefined {
  return text !== undefined && /^(0x)?[0-9a-f]{1,16}$/i.test(text)
    ? BigInt(/^0x/i.test(text) ? text : `0x${text}`)
    : undefined;
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
