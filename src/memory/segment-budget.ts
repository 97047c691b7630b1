/**
 * Who may hold how many segments, summed before a job starts: pure arithmetic, no shared memory.
 *
 * Everything in the engine that can hold a segment (a channel's credits, a gate's floating ones, a
 * thread's cache, an oversized record) adds a line with its maximum and the reason. The sum is what
 * the pool must have; a job that needs more is refused when it is planned, with the numbers and the
 * option that helps, and not by a stall at run time.
 */
import {assert} from '../base/assert.ts';
import {showValue, StreamError} from '../base/errors.ts';

/** One holder of segments. */
export interface BudgetEntry {
  readonly name: string;
  readonly segments: number;
  readonly why: string;
}

const MEBIBYTE = 1024 * 1024;

const UNIT_BYTES: Record<string, number> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1024,
  kib: 1024,
  m: MEBIBYTE,
  mb: MEBIBYTE,
  mib: MEBIBYTE,
  g: 1024 * MEBIBYTE,
  gb: 1024 * MEBIBYTE,
  gib: 1024 * MEBIBYTE,
};

/** The sum of the maxima. */
export class SegmentBudget {
  readonly #entries: BudgetEntry[] = [];
  #total = 0;

  /** Adds a holder: `why` says where the number comes from, such as `2 per channel × 4 channels`. */
  add(name: string, segments: number, why: string): this {
    assert(Number.isSafeInteger(segments) && segments >= 0, 'a budget counts whole segments');
    this.#entries.push({name, segments, why});
    this.#total += segments;
    return this;
  }

  /** Segments needed by all holders together. */
  total(): number {
    return this.#total;
  }

  /** The holders, in the order in which they were added. */
  entries(): readonly BudgetEntry[] {
    return this.#entries;
  }

  /**
   * Refuses a budget that does not fit into `availableBytes`.
   *
   * Errors: `E_MEMORY_BUDGET`, whose details name the segments and bytes needed and available, and
   * the largest holder; its remedy is the value of the option `memory` that would be enough.
   */
  check(availableBytes: number, segmentSizeBytes: number): void {
    assert(segmentSizeBytes > 0, 'the segment size must be positive');
    const availableSegments = Math.floor(availableBytes / segmentSizeBytes);
    if (this.#total <= availableSegments) return;
    const neededBytes = this.#total * segmentSizeBytes;
    const largest = this.#entries.reduce((a, b) => (b.segments > a.segments ? b : a));
    throw new StreamError(
      'E_MEMORY_BUDGET',
      'the job needs more segments than its memory holds',
      {
        neededSegments: this.#total,
        availableSegments,
        neededBytes,
        availableBytes,
        segmentSizeBytes,
        largest: `${largest.name} (${largest.segments}: ${largest.why})`,
      },
      {remedy: `set the option memory: '${Math.ceil(neededBytes / MEBIBYTE)}MB' or more`},
    );
  }

  /** The budget as a table, for `explain`: one line per holder and one for the sum. */
  lines(segmentSizeBytes: number): string[] {
    const rows = [
      ...this.#entries,
      {name: 'total', segments: this.#total, why: showBytes(this.#total * segmentSizeBytes)},
    ];
    const nameLength = Math.max(...rows.map(row => row.name.length));
    const countLength = Math.max(...rows.map(row => String(row.segments).length));
    return rows.map(
      ({name, segments, why}) =>
        `${name.padEnd(nameLength)}  ${String(segments).padStart(countLength)}  ${why}`,
    );
  }
}

/**
 * Bytes that a text such as `'64MB'`, `'1gb'`, `'1.5 GiB'`, `'512KiB'` or a number of bytes means.
 *
 * Units:   powers of 1024, with and without the `i`, in upper or lower case, as in Flink.
 * Errors:  `E_MEMORY_SIZE` for anything else, and for sizes that are not positive whole bytes.
 */
export function parseMemorySize(size: string | number): number {
  let bytes = NaN;
  if (typeof size === 'number') {
    bytes = size;
  } else if (typeof size === 'string') {
    const [, count, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(size) ?? [];
    if (
      count !== undefined &&
      unit !== undefined &&
      Object.hasOwn(UNIT_BYTES, unit.toLowerCase())
    ) {
      bytes = Number(count) * UNIT_BYTES[unit.toLowerCase()];
    }
  }
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new StreamError(
      'E_MEMORY_SIZE',
      'not a size of memory',
      {value: showValue(size)},
      {remedy: "write a number of bytes, or a text such as '64MB', '512KiB' or '1GB'"},
    );
  }
  return bytes;
}

/** Bytes for people: `64MB`, `1.5GB`, `512 bytes`. */
function showBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < MEBIBYTE) return `${round(bytes / 1024)}KB`;
  if (bytes < 1024 * MEBIBYTE) return `${round(bytes / MEBIBYTE)}MB`;
  return `${round(bytes / 1024 / MEBIBYTE)}GB`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
