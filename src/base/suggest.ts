/** Nearest names, for "did you mean …". */

/** Of a shorter name everything short would be near. */
const SHORTEST = 3;

/**
 * Up to `most` of `candidates` within a third of the name's length in edits, nearest first; the nearest of all is the
 * name itself with underscores around it.
 */
export function nearestNames(name: string, candidates: Iterable<string>, most = 3): string[] {
  if (name.length < SHORTEST) return [];
  const limit = Math.max(1, Math.floor(name.length / 3));
  const bare = withoutUnderscores(name);
  const found = new Map<string, number>();
  for (const candidate of candidates) {
    if (bare !== '' && candidate.includes(bare) && withoutUnderscores(candidate) === bare) {
      found.set(candidate, 0);
      continue;
    }
    if (Math.abs(candidate.length - name.length) > limit) continue;
    const distance = editDistance(name, candidate, limit);
    if (distance <= limit) found.set(candidate, distance);
  }
  const nearest = [...found].sort(([a, near], [b, far]) => near - far || (a < b ? -1 : 1));
  return nearest.slice(0, most).map(([candidate]) => candidate);
}

function withoutUnderscores(name: string): string {
  return name.replace(/^_+|_+$/g, '');
}

/** Optimal string alignment distance (insertions, deletions, changes, swaps of neighbours); above `limit` inexact. */
function editDistance(a: string, b: string, limit: number): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(change, (previous[j] as number) + 1, (current[j - 1] as number) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, (beforePrevious[j - 2] as number) + 1);
      }
      current.push(distance);
      best = Math.min(best, distance);
    }
    if (best > limit) return best;
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] as number;
}
