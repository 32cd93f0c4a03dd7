/** Sizes and times, for people. */

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** "64.3 MiB". */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const power = Math.min(UNITS.length, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  return `${amount.toFixed(amount < 100 ? 1 : 0)} ${UNITS[power - 1] ?? ''}`;
}

/** "0.9 s", "3 min 20 s". */
export function timeText(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 0.1) return 'less than 0.1 s';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
