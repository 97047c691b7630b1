/**
 * bids as a plain program: this thread makes its half of the bids, sends those of the other
 * thread's auctions, and keeps count and sum of prices of its own. Its own bids are counted as they
 * are made.
 *
 *   slot:  heap bytes of the three string columns, int32 × 3 (and one word unused)
 *          dateTime float64 × ROWS | auction, bidder, price int32 × ROWS
 *          lengths of channel, url, extra in UTF-16 units, uint16 × ROWS each
 *          heap: all channels, all urls, all extras, UTF-8
 *
 * A string column is gathered in one JavaScript string per slot and written once; the reader decodes
 * it once and takes substrings. That is several times cheaper than string by string.
 */
import {
  AUCTIONS,
  FIRST_AUCTION,
  auctionOf,
  bidderOf,
  dateTimeOf,
  foldTexts,
  priceOf,
  textBits,
  textOf,
} from '../../jobs/bids.ts';
import {ownerOf, rangeOf} from '../../jobs/j2x.ts';
import {servePair, type PairData} from './pair.ts';
import {END, Idler, SLOTS, SLOT_BYTES, SlotReader, SlotWriter, slotOffset} from './slot-ring.ts';

export interface BidsRun {
  readonly records: number;
}

export interface BidsResult {
  readonly updates: number;
  readonly counts: number;
  readonly texts: number;
}

const ROWS = 384;
const HEADER_BYTES = 16;
const HEAP_OFFSET = HEADER_BYTES + ROWS * (8 + 3 * 4 + 3 * 2);
const HEAP_BYTES = SLOT_BYTES - HEAP_OFFSET;
/** Three strings of at most 80 characters of one byte. */
const HEAP_ROW_MAX = 3 * 80;
const CHUNK = 64;

// The typings of Node leave out what Buffer.prototype has had for long: these three write and read
// without an object or an encoding name.
interface FastBuffer extends Buffer {
  utf8Write(text: string, offset: number, length: number): number;
  utf8Slice(start: number, end: number): string;
}

class Slot {
  readonly heapBytes: Int32Array;
  readonly dateTimes: Float64Array;
  readonly auctions: Int32Array;
  readonly bidders: Int32Array;
  readonly prices: Int32Array;
  readonly channels: Uint16Array;
  readonly urls: Uint16Array;
  readonly extras: Uint16Array;
  readonly heap: FastBuffer;

  constructor(buffer: SharedArrayBuffer, offset: number) {
    this.heapBytes = new Int32Array(buffer, offset, 3);
    let at = offset + HEADER_BYTES;
    this.dateTimes = new Float64Array(buffer, at, ROWS);
    at += ROWS * 8;
    this.auctions = new Int32Array(buffer, at, ROWS);
    this.bidders = new Int32Array(buffer, (at += ROWS * 4), ROWS);
    this.prices = new Int32Array(buffer, (at += ROWS * 4), ROWS);
    this.channels = new Uint16Array(buffer, (at += ROWS * 4), ROWS);
    this.urls = new Uint16Array(buffer, (at += ROWS * 2), ROWS);
    this.extras = new Uint16Array(buffer, (at += ROWS * 2), ROWS);
    this.heap = Buffer.from(buffer, offset + HEAP_OFFSET, HEAP_BYTES) as FastBuffer;
  }
}

/** Count and sum per auction, and what the sink has folded. */
class State {
  readonly counts = new Int32Array(AUCTIONS);
  readonly sums = new Float64Array(AUCTIONS);
  updates = 0;
  folded = 0;
  texts = 0;
}

function consume(state: State, slot: Slot, rows: number): void {
  const {auctions, prices, channels, urls, extras, heap, heapBytes} = slot;
  const urlsAt = heapBytes[0];
  const extrasAt = urlsAt + heapBytes[1];
  const allChannels = heap.utf8Slice(0, urlsAt);
  const allUrls = heap.utf8Slice(urlsAt, extrasAt);
  const allExtras = heap.utf8Slice(extrasAt, extrasAt + heapBytes[2]);
  let channelAt = 0;
  let urlAt = 0;
  let extraAt = 0;
  let folded = 0;
  let texts = 0;
  for (let i = 0; i < rows; i += 1) {
    const channel = allChannels.substring(channelAt, (channelAt += channels[i]));
    const url = allUrls.substring(urlAt, (urlAt += urls[i]));
    const extra = allExtras.substring(extraAt, (extraAt += extras[i]));
    const index = auctions[i] - FIRST_AUCTION;
    folded += state.counts[index] += 1;
    state.sums[index] += prices[i];
    texts += foldTexts(channel, url, extra);
  }
  state.updates += rows;
  state.folded += folded;
  state.texts += texts;
}

/** What waits to be written into the heap of the claimed slot. */
class Pending {
  rows = 0;
  channels = '';
  urls = '';
  extras = '';

  get characters(): number {
    return this.channels.length + this.urls.length + this.extras.length;
  }

  /** Writes the three columns and empties them. */
  flushInto({heap, heapBytes}: Slot): number {
    let at = 0;
    at += heapBytes[0] = heap.utf8Write(this.channels, at, HEAP_BYTES - at);
    at += heapBytes[1] = heap.utf8Write(this.urls, at, HEAP_BYTES - at);
    heapBytes[2] = heap.utf8Write(this.extras, at, HEAP_BYTES - at);
    const rows = this.rows;
    this.rows = 0;
    this.channels = this.urls = this.extras = '';
    return rows;
  }
}

/** Makes bids `from` to `to`. There must be room for all of them in the slot. */
function produce(
  from: number,
  to: number,
  self: number,
  state: State,
  slot: Slot,
  pending: Pending,
): void {
  const {dateTimes, auctions, bidders, prices, channels, urls, extras} = slot;
  for (let i = from; i < to; i += 1) {
    const auction = auctionOf(i);
    const price = priceOf(i);
    const channel = textOf(textBits(i, 0));
    const url = textOf(textBits(i, 1));
    const extra = textOf(textBits(i, 2));
    if (ownerOf(auction) === self) {
      const index = auction - FIRST_AUCTION;
      state.folded += state.counts[index] += 1;
      state.sums[index] += price;
      state.texts += foldTexts(channel, url, extra);
      state.updates += 1;
    } else {
      const row = pending.rows;
      dateTimes[row] = dateTimeOf(i);
      auctions[row] = auction;
      bidders[row] = bidderOf(i);
      prices[row] = price;
      channels[row] = channel.length;
      urls[row] = url.length;
      extras[row] = extra.length;
      pending.channels += channel;
      pending.urls += url;
      pending.extras += extra;
      pending.rows = row + 1;
    }
  }
}

function work({records}: BidsRun, {self, rings, bells}: PairData): BidsResult {
  const writer = new SlotWriter(rings[self], bells[1 - self]);
  const reader = new SlotReader(rings[1 - self], bells[1 - self]);
  const slotsOf = (buffer: SharedArrayBuffer) =>
    Array.from({length: SLOTS}, (_, slot) => new Slot(buffer, slotOffset(slot)));
  const outgoing = slotsOf(rings[self]);
  const incoming = slotsOf(rings[1 - self]);
  const state = new State();
  const pending = new Pending();
  const idler = new Idler(bells[self]);

  const {from, to} = rangeOf(records, self);
  let next = from;
  let slot = -1;
  let sentEnd = false;
  let sawEnd = false;

  while (!sentEnd || !sawEnd) {
    let hadWork = false;
    idler.look();

    const arrived = sawEnd ? -1 : reader.next();
    if (arrived >= 0) {
      const count = reader.count(arrived);
      if (count === END) sawEnd = true;
      else consume(state, incoming[arrived], count);
      reader.release();
      hadWork = true;
    }

    if (slot < 0 && !sentEnd) slot = writer.claim();
    if (slot >= 0) {
      const heapRoom = Math.floor((HEAP_BYTES - pending.characters) / HEAP_ROW_MAX);
      const room = Math.min(CHUNK, ROWS - pending.rows, heapRoom);
      const limit = Math.min(next + room, to);
      if (limit > next) {
        produce(next, limit, self, state, outgoing[slot], pending);
        next = limit;
        hadWork = true;
      } else if (pending.rows > 0) {
        writer.publish(pending.flushInto(outgoing[slot]));
        slot = -1;
        hadWork = true;
      } else {
        writer.publish(END);
        sentEnd = true;
        slot = -1;
      }
    }
    idler.idle(hadWork);
  }
  return {updates: state.updates, counts: state.folded, texts: state.texts};
}

servePair(work);
