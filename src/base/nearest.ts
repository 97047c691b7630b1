/** What somebody who mistyped a name may have meant: options, commands, formats. Used by any thread. */

/** The name that takes the fewest changes; the first one of equals. `names` is not empty. */
export function nearestTo(written: string, names: readonly string[]): string {
  return names.reduce((a, b) => (editDistance(written, b) < editDistance(written, a) ? b : a));
}

/** Insertions, deletions and replacements of a character between two words, without regard to case. */
export function editDistance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  let previous = Array.from({length: to.length + 1}, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const isSame = from[i - 1] === to[j - 1];
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (isSame ? 0 : 1)));
    }
    previous = row;
  }
  return previous[to.length]!;
}
