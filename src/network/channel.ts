/**
 * One channel: from one producing subtask to one consuming subtask. It is a ring of descriptors and
 * a control block through which credit flows back.
 *
 *   control word   0  GRANTED    written by the consumer: credits granted so far
 *                  1  ROW_LIMIT  written by the consumer: rows per batch it would like, 0 = any
 *                 32  WAITING    written by the producer: what waits for the consumer, a sum of
 *                                BATCH_WAITS (for credit or room), EVENT_WAITS (for room)
 *
 * A credit is the permission to have one more segment in flight. It is a position, not a message: the
 * producer may send while `(granted - sent) | 0` is above 0, and looks at the shared word only when
 * what it remembers runs out. Events need no credit, only room in the ring. The ring has more room than
 * all credits together; if events use it up nevertheless, both wait for room as they wait for credit.
 *
 * A segment that is sent belongs to the consumer's thread from then on (owner word); the consumer
 * gives it back to the pool, never to the producer, and before it grants the next credit. So whoever
 * has a credit finds a segment.
 *
 * Waiting is never slept through. What the producer needs, credit and room, are GRANTED and the
 * ring's HEAD:
 *
 *   The producer (`claimCredit`, events):        The consumer, done with a descriptor:
 *     P1  load GRANTED, HEAD; enough: done         C1  store HEAD, then GRANTED
 *     P2  store WAITING                            C2  load WAITING
 *     P3  load GRANTED, HEAD; enough: done         C3  not 0: ring the producer's doorbell
 *     P4  report "blocked"; the thread may park
 *
 * All of these are sequentially consistent, so they have one total order. If P3 does not see what C1
 * stored, then P2 < P3 < C1 < C2: C2 sees WAITING, and C3 rings. For a task that is asked again while
 * WAITING stands, P1 takes the place of P3, because P2 came earlier still. So for every C1 that the
 * task's last look did not see there is a ring after C1, and the doorbell turns that into a wake-up
 * (doorbell.ts). WAITING is cleared by the producer alone, after it got what it waited for; whatever it
 * waits for next begins with P2 again. test/network/channel.test.ts stops either side before each
 * of its Atomics calls and lets the other run there.
 *
 * In the other direction there is no flag: a send rings the consumer each time, which costs one load
 * while the consumer is awake.
 *
 * Two tasks of one thread need a doorbell for one reason only: in the last round before a sleep the
 * consumer may have been asked before the producer sends. Either the thread rings itself then, or
 * its loop asks producers before their consumers in every round, and the doorbell is left out.
 */
import {assert} from '../base/assert.ts';
import type {Arena, ArenaPlan, Region} from '../memory/arena.ts';
import type {Doorbell} from '../memory/doorbell.ts';
import {RingConsumer, RingProducer, planRing, resetRing} from '../memory/spsc-ring.ts';

const GRANTED = 0;
const ROW_LIMIT = 1;
const WAITING = 32;
const CONTROL_SIZE_BYTES = 256;

const BATCH_WAITS = 1;
const EVENT_WAITS = 2;

/** Room in a ring for events beside the batches that credits allow. */
export const EVENTS_IN_FLIGHT_MAX = 16;

/** Where a channel lies in the arena: plain data, the same for both ends. */
export interface ChannelLayout {
  readonly ring: Region;
  readonly control: Region;
  /** Credits that the channel has for itself. */
  readonly exclusiveCredits: number;
}

/** Reserves a channel; `creditsMax` counts exclusive and floating credits together. */
export function planChannel(
  plan: ArenaPlan,
  name: string,
  exclusiveCredits: number,
  creditsMax: number,
): ChannelLayout {
  assert(exclusiveCredits > 0, 'a channel needs a credit of its own, or it may never send');
  assert(creditsMax >= exclusiveCredits, 'exclusive credits are part of all credits');
  let capacity = 1;
  while (capacity < creditsMax + EVENTS_IN_FLIGHT_MAX) capacity *= 2;
  return {
    ring: planRing(plan, `${name} ring`, capacity),
    control: plan.reserve(`${name} control`, CONTROL_SIZE_BYTES),
    exclusiveCredits,
  };
}

/**
 * Makes the channel as good as new, for a restart: nobody may hold an end of it, and its segments
 * have been given back (`InputGate.dispose`) or reclaimed.
 */
export function resetChannel(arena: Arena, layout: ChannelLayout): void {
  const control = layout.control.offsetBytes >> 2;
  Atomics.store(arena.words, control + GRANTED, 0);
  Atomics.store(arena.words, control + ROW_LIMIT, 0);
  Atomics.store(arena.words, control + WAITING, 0);
  resetRing(arena, layout.ring);
}

/** The producing end. Create it in the thread that produces. */
export class OutputChannel {
  readonly #ring: RingProducer;
  readonly #words: Int32Array;
  readonly #control: number;
  readonly #consumer: Doorbell | undefined;
  /** Events that found the ring full, four words each; nothing may overtake them. */
  readonly #waitingEvents: number[] = [];
  #sent = 0;
  #grantedSeen = 0;
  /** Entries that can be offered for sure; the consumer only ever makes it more. */
  #roomSeen = 0;
  #waitingShown = 0;

  /** `consumer` is the doorbell of the consuming thread; see above for when it may be left out. */
  constructor(arena: Arena, layout: ChannelLayout, consumer: Doorbell | undefined) {
    this.#ring = new RingProducer(arena, layout.ring);
    this.#words = arena.words;
    this.#control = layout.control.offsetBytes >> 2;
    this.#consumer = consumer;
  }

  /** Whether a batch may be sent now. */
  hasCredit(): boolean {
    if (((this.#grantedSeen - this.#sent) | 0) <= 0) {
      this.#grantedSeen = Atomics.load(this.#words, this.#control + GRANTED);
      if (((this.#grantedSeen - this.#sent) | 0) <= 0) return false;
    }
    return this.flushEvents() && this.#hasRoom();
  }

  /** Like `hasCredit`; if it says no, the producing thread will be rung when that has changed. */
  claimCredit(): boolean {
    if (this.hasCredit()) return true;
    if ((this.#waitingShown & BATCH_WAITS) !== 0) return false;
    this.#show(this.#waitingShown | BATCH_WAITS);
    return this.hasCredit();
  }

  /** Sends a descriptor that names a segment. The caller has seen `hasCredit` or `claimCredit`. */
  send(kind: number, segment: number, size: number, detail: number): void {
    assert(((this.#grantedSeen - this.#sent) | 0) > 0, 'a batch was sent without credit');
    assert(this.#waitingEvents.length === 0, 'a batch would overtake an event');
    this.#sent = (this.#sent + 1) | 0;
    this.#show(0);
    this.#offer(kind, segment, size, detail);
    this.#publish();
  }

  /** Sends an event in its place behind everything sent before. Never refused; it may have to wait. */
  sendEvent(kind: number, a = 0, b = 0, c = 0): void {
    if (this.#waitingEvents.length === 0 && this.#hasRoom()) {
      this.#offer(kind, a, b, c);
      this.#publish();
      return;
    }
    this.#waitingEvents.push(kind, a, b, c);
    this.flushEvents();
  }

  /** Whether events wait for room. The producing thread will be rung when there is some. */
  get hasWaitingEvents(): boolean {
    return this.#waitingEvents.length > 0;
  }

  /** Tries to send events that waited for room; true if none is left. */
  flushEvents(): boolean {
    const waiting = this.#waitingEvents;
    if (waiting.length === 0) return true;
    let index = this.#offerEvents(0);
    if (index < waiting.length && (this.#waitingShown & EVENT_WAITS) === 0) {
      this.#show(this.#waitingShown | EVENT_WAITS);
      index = this.#offerEvents(index);
    }
    if (index > 0) {
      waiting.splice(0, index);
      if (waiting.length === 0) this.#show(this.#waitingShown & ~EVENT_WAITS);
      this.#publish();
    }
    return waiting.length === 0;
  }

  /** Whether the consumer has read everything and waits for more. */
  isDrained(): boolean {
    return this.#ring.isEmpty();
  }

  /** Rows per batch that the consumer would like; 0 if it does not mind. */
  rowLimit(): number {
    return Atomics.load(this.#words, this.#control + ROW_LIMIT);
  }

  #offerEvents(from: number): number {
    const waiting = this.#waitingEvents;
    let index = from;
    while (index < waiting.length && this.#hasRoom()) {
      this.#offer(waiting[index], waiting[index + 1], waiting[index + 2], waiting[index + 3]);
      index += 4;
    }
    return index;
  }

  #hasRoom(): boolean {
    if (this.#roomSeen === 0) this.#roomSeen = this.#ring.room;
    return this.#roomSeen > 0;
  }

  #offer(kind: number, a: number, b: number, c: number): void {
    const isOffered = this.#ring.offer(kind, a, b, c);
    assert(isOffered, 'a descriptor was sent without room in the ring');
    this.#roomSeen -= 1;
  }

  #show(waiting: number): void {
    if (this.#waitingShown === waiting) return;
    this.#waitingShown = waiting;
    Atomics.store(this.#words, this.#control + WAITING, waiting);
  }

  #publish(): void {
    this.#ring.publish();
    this.#consumer?.ring();
  }
}

/** The consuming end. Create it in the thread that consumes. */
export class InputChannel {
  /** Place of the channel in its gate. */
  readonly index: number;
  readonly #ring: RingConsumer;
  readonly #words: Int32Array;
  readonly #control: number;
  readonly #producer: Doorbell | undefined;
  #granted = 0;

  /** `producer` is the doorbell of the producing thread; see above for when it may be left out. */
  constructor(arena: Arena, layout: ChannelLayout, index: number, producer: Doorbell | undefined) {
    this.index = index;
    this.#ring = new RingConsumer(arena, layout.ring);
    this.#words = arena.words;
    this.#control = layout.control.offsetBytes >> 2;
    this.#producer = producer;
    this.grant(layout.exclusiveCredits);
  }

  /** How many descriptors wait to be read, at least; 0 is exact. */
  queueLength(): number {
    return this.#ring.available();
  }

  /** How many descriptors wait to be read, exactly. Cost: one Atomics load. */
  exactQueueLength(): number {
    return this.#ring.refresh();
  }

  /** Kind of the oldest descriptor; ask `queueLength` first. */
  kind(): number {
    return this.#ring.peekWord(0, 0);
  }

  /** Word 1, 2 or 3 of the oldest descriptor. */
  word(index: 1 | 2 | 3): number {
    return this.#ring.peekWord(0, index);
  }

  /** Done with the oldest descriptor; grants `credits` more. */
  release(credits = 0): void {
    this.#ring.release(1);
    this.grant(credits);
  }

  /** Lets the producer send `credits` more segments, and wakes it if it waits. */
  grant(credits: number): void {
    if (credits > 0) {
      this.#granted = (this.#granted + credits) | 0;
      Atomics.store(this.#words, this.#control + GRANTED, this.#granted);
    }
    if (Atomics.load(this.#words, this.#control + WAITING) !== 0) this.#producer?.ring();
  }

  /** Whether the producer holds a batch back for want of credit. */
  isProducerWaiting(): boolean {
    return (Atomics.load(this.#words, this.#control + WAITING) & BATCH_WAITS) !== 0;
  }

  /** Asks the producer for batches of at most `rows` rows; 0 for any size. */
  limitRows(rows: number): void {
    Atomics.store(this.#words, this.#control + ROW_LIMIT, rows);
  }
}
