/** Dates and durations as crash prints them, in UTC. */

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** "Mon Nov 23 03:50:21 UTC 2026" for seconds since 1970. */
export function utcDate(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return '(invalid date)';
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${days[date.getUTCDay()] ?? ''} ${months[date.getUTCMonth()] ?? ''} ${String(date.getUTCDate()).padStart(2)} ${time} UTC ${date.getUTCFullYear()}`;
}

/** "1 days, 02:03:04", without the days where there is none. */
export function duration(totalSeconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const day = Math.floor(totalSeconds / 86_400);
  const rest = totalSeconds % 86_400;
  return `${day > 0 ? `${day} days, ` : ''}${two(rest / 3600)}:${two((rest % 3600) / 60)}:${two(rest % 60)}`;
}

/** "0 00:00:00.004" for nanoseconds. */
export function elapsed(nanoseconds: bigint): string {
  const milliseconds = nanoseconds / 1_000_000n;
  const seconds = Number(milliseconds / 1000n);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const rest = seconds % 86_400;
  const clock = `${two(rest / 3600)}:${two((rest % 3600) / 60)}:${two(rest % 60)}`;
  return `${Math.floor(seconds / 86_400)} ${clock}.${String(milliseconds % 1000n).padStart(3, '0')}`;
}
