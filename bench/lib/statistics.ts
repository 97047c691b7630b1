/** Medians and percentiles. */

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** (max − min) / median: 0 for a single value. */
export function spreadOf(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / middle;
}

const PER_OCTAVE = 128;
const OCTAVES = 40;
const FLOOR_MS = 1e-4;

/**
 * Counts of latencies in buckets of 0.5 %, from 0.1 µs up. Its counts are one Int32Array, so that
 * worker threads send theirs to the main thread to be added.
 */
export class LatencyCounts {
  readonly counts: Int32Array;

  constructor(counts: Int32Array = new Int32Array(PER_OCTAVE * OCTAVES)) {
    this.counts = counts;
  }

  record(ms: number): void {
    const bucket = ms <= FLOOR_MS ? 0 : (Math.log2(ms / FLOOR_MS) * PER_OCTAVE) | 0;
    this.counts[bucket < this.counts.length ? bucket : this.counts.length - 1] += 1;
  }

  add(counts: Int32Array): void {
    for (let i = 0; i < counts.length; i += 1) this.counts[i] += counts[i];
  }

  /** The upper edge of the bucket that holds the given share of all values. */
  percentile(share: number): number {
    const total = this.counts.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (let i = 0; i < this.counts.length; i += 1) {
      seen += this.counts[i];
      if (seen >= share * total) return FLOOR_MS * 2 ** ((i + 1) / PER_OCTAVE);
    }
    return 0;
  }

  /** The percentiles of a latency row. */
  percentiles(): {p50Ms: number; p99Ms: number; p999Ms: number; p9999Ms: number} {
    return {
      p50Ms: this.percentile(0.5),
      p99Ms: this.percentile(0.99),
      p999Ms: this.percentile(0.999),
      p9999Ms: this.percentile(0.9999),
    };
  }
}
