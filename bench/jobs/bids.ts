/**
 * bids: the exchange of J2x with records as they come in practice: four numbers and three strings
 * of 20–80 characters, mostly distinct. The key is the auction (1000 of them); the owner keeps
 * count and sum of prices per auction and emits an update for each bid, with a number made from
 * all three strings (lengths and first characters), so that they must have arrived.
 * Checksum: updates / Σ counts / Σ of that number.
 *
 * Everything is drawn from the bid's number, so any split over sources makes the same bids. Strings
 * are cut from one fixed text of 1 MiB, as Nexmark's generator does.
 */
import {checksumOf, mix, type Answer, type Job} from './job.ts';

export interface BidsParameters {
  readonly records: number;
}

export interface Bid {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  readonly dateTime: number;
  readonly channel: string;
  readonly url: string;
  readonly extra: string;
}

export const AUCTIONS = 1000;
export const FIRST_AUCTION = 1000;
export const BASE_TIME = 1_735_689_600_000;
const TEXT_LENGTH = 1 << 20;
const TEXT_LENGTH_MIN = 20;
const TEXT_LENGTH_SPAN = 61;
const GOLDEN = 0x9e3779b1;

/** The text that strings are cut from: 2^20 letters, drawn from their positions. One byte each. */
function makeText(): string {
  const bytes = new Uint8Array(TEXT_LENGTH);
  for (let i = 0; i < TEXT_LENGTH; i += 1) bytes[i] = 97 + ((mix(i + 0x7465) >>> 0) % 26);
  return Buffer.from(bytes).toString('latin1');
}

export const TEXT = makeText();

/** The string that 32 random bits stand for: length from all of them, offset from the upper 26. */
export function textOf(bits: number): string {
  const length = TEXT_LENGTH_MIN + ((bits >>> 0) % TEXT_LENGTH_SPAN);
  const offset = (bits >>> 6) % (TEXT_LENGTH - TEXT_LENGTH_MIN - TEXT_LENGTH_SPAN);
  return TEXT.substring(offset, offset + length);
}

export function auctionOf(i: number): number {
  return FIRST_AUCTION + ((Math.imul(i, GOLDEN) >>> 0) % AUCTIONS);
}

export function bidderOf(i: number): number {
  return (mix(i ^ 0x62696464) >>> 0) % 100_000;
}

export function priceOf(i: number): number {
  return 100 + ((mix(i ^ 0x70726963) >>> 0) % 1_000_000);
}

export function dateTimeOf(i: number): number {
  return BASE_TIME + Math.floor(i / 100);
}

/** The random bits of the string number `field` (0 channel, 1 url, 2 extra) of bid `i`. */
export function textBits(i: number, field: number): number {
  return mix(Math.imul(i, 3) + field + 0x74657874);
}

export function bid(i: number): Bid {
  return {
    auction: auctionOf(i),
    bidder: bidderOf(i),
    price: priceOf(i),
    dateTime: dateTimeOf(i),
    channel: textOf(textBits(i, 0)),
    url: textOf(textBits(i, 1)),
    extra: textOf(textBits(i, 2)),
  };
}

/** What the sink learns of a bid's strings. */
export function foldTexts(channel: string, url: string, extra: string): number {
  return (
    channel.length +
    channel.charCodeAt(0) +
    url.length +
    url.charCodeAt(0) +
    extra.length +
    extra.charCodeAt(0)
  );
}

export const bids: Job<BidsParameters> = {
  name: 'bids',
  module: 'bids',
  full: {records: 4_000_000},
  smoke: {records: 4_000},
  engines: ['millrace', 'loop', 'ceiling', 'postmessage', 'flink'],
  share: {postmessage: 0.25},

  expected({records}): Answer {
    const counts = new Map<number, number>();
    let sum = 0;
    let texts = 0;
    for (let i = 0; i < records; i += 1) {
      const {auction, channel, url, extra} = bid(i);
      const count = (counts.get(auction) ?? 0) + 1;
      counts.set(auction, count);
      sum += count;
      texts += foldTexts(channel, url, extra);
    }
    return {records, checksum: checksumOf(records, sum, texts)};
  },
};
