/**
 * Dates as text: what `Date.prototype.toISOString` writes, and the shorter forms in which dates are
 * found in files. `Date.parse` alone will not do: it takes whatever looks like a date, reads a time
 * without a zone as local time, and turns the 30th of February into the 1st of March.
 */

const DATE = String.raw`(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)`;
const TIME = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?`;
const ZONE = String.raw`(Z|[+-]\d\d:?\d\d)?`;
const PATTERN = new RegExp(`^${DATE}(?:[T ]${TIME}${ZONE})?$`);

const CYCLE_MS = 146_097 * 86_400_000;
/** What a Date can hold, on both sides of 1970. */
const DATE_MS_MAX = 8.64e15;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * The milliseconds since 1970 of `2024-02-29`, `2024-02-29T12:30Z`, `2024-02-29 12:30:15.5+01:00`, …;
 * NaN for anything else, and for days that do not exist. Without a zone it is UTC, so that a file
 * means the same everywhere. Digits behind the milliseconds are dropped.
 */
export function parseDate(text: string): number {
  const match = PATTERN.exec(text);
  if (match === null || match[1] === '-000000') return NaN;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  if (month < 1 || month > 12 || day < 1 || day > daysOf(month, year)) return NaN;
  // `Date.UTC` takes the years 0 to 99 for 1900 to 1999; the calendar repeats every 400 years.
  const isEarly = year >= 0 && year < 100;
  const date = Date.UTC(isEarly ? year + 400 : year, month - 1, day) - (isEarly ? CYCLE_MS : 0);
  if (match[4] === undefined) return date;

  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6] ?? 0);
  const millisecond = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const isMidnight = hour === 24 && minute === 0 && second === 0 && millisecond === 0;
  if (minute > 59 || second > 59 || (hour > 23 && !isMidnight)) return NaN;
  const zone = zoneMinutes(match[8]);
  const ms = date + ((hour * 60 + minute - zone) * 60 + second) * 1000 + millisecond;
  return Math.abs(ms) <= DATE_MS_MAX ? ms : NaN;
}

function daysOf(month: number, year: number): number {
  if (month !== 2) return DAYS[month - 1]!;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 23 || minutes > 59) return NaN;
  return (hours * 60 + minutes) * (zone.startsWith('-') ? -1 : 1);
}
