/** The prefix bytes of an x86-64 instruction. Intel SDM volume 2, sections 2.1.1 and 2.2.1. */

/** As GNU names those that have no effect. */
const names: Readonly<Record<number, string>> = {
  0x26: 'es',
  0x2e: 'cs',
  0x36: 'ss',
  0x3e: 'ds',
  0x64: 'fs',
  0x65: 'gs',
  0x66: 'data16',
  0x67: 'addr32',
  0xf0: 'lock',
  0xf2: 'repnz',
  0xf3: 'repz',
};

export interface Prefixes {
  /** In the order of the bytes, of which they are the first. */
  readonly prefixes: readonly string[];
  /** The REX prefix behind them. */
  readonly rex: number | undefined;
}

export function prefixesIn(bytes: Uint8Array): Prefixes {
  const prefixes: string[] = [];
  for (const byte of bytes) {
    const name = names[byte];
    if (name === undefined) return { prefixes, rex: (byte & 0xf0) === 0x40 ? byte : undefined };
    prefixes.push(name);
  }
  return { prefixes, rex: undefined };
}

/** "rex.WB". */
export function rexName(rex: number): string {
  const bits = ['W', 'R', 'X', 'B'].filter((_, index) => (rex & (8 >> index)) !== 0).join('');
  return bits === '' ? 'rex' : `rex.${bits}`;
}
