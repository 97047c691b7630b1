/** Numbers as people read them on a terminal. One spelling for the progress display and the summary. */

const SCALE: ReadonlyArray<readonly [number, string]> = [
  [1e12, ' T'],
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
];

/** All digits, in groups of three: `1,234,567`. */
export function showCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** Three digits and a scale: `12`, `1.23 k`, `45.6 M`. At most seven columns up to 999 T. */
export function showRate(rate: number): string {
  if (rate < 999.5) return rate < 9.95 && rate % 1 !== 0 ? rate.toFixed(1) : rate.toFixed(0);
  const [size, letter] = SCALE.find(([from]) => rate >= from * 0.9995) ?? SCALE.at(-1)!;
  const scaled = rate / size;
  return `${scaled.toFixed(scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)}${letter}`;
}

/** Time that has passed, with as much precision as matters: `85 ms`, `1.32 s`, `12.3 s`, `2 min 03 s`. */
export function showDuration(ms: number): string {
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 9995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${twoDigits(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** Memory, in the units that options take (`64MB` is 64 × 1024 × 1024). */
export function showBytes(bytes: number): string {
  const mb = bytes / (1024 * 1024);
  return mb < 1023.5 ? `${mb.toFixed(0)} MB` : `${(mb / 1024).toFixed(2)} GB`;
}

/** A share of 1: `7 %`. */
export function showShare(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, '0');
}
