/**
 * One channel: from one producing subtask to one consuming subtask. It is a ring of descriptors and
 * a control block through which credit flows back.
 *
 *   control word   0  GRANTED    written by the consumer: credits granted so far
 *                  1  ROW_LIMIT  written by the consumer: rows per batch it would like, 0 = any
 *                 32  BACKLOG    written by the producer: 1 while a batch waits for credit
 *
 * A credit is the permission to have one more batch in flight. It is a position, not a message: the
 * producer may send while `(granted - sent) | 0` is above 0, and looks at the shared word only when
 * what it remembers runs out. Credits, not the ring's capacity, bound what is in flight; the ring is
 * larger than all credits together, so that events always find room first.
 *
 * A segment that is sent belongs to the consumer's thread from then on (owner word); the consumer
 * gives it back to the pool, never to the producer.
 */
import {assert} from '../base/assert.ts';
import type {Arena, ArenaPlan, Region} from '../memory/arena.ts';
import type {Doorbell} from '../memory/doorbell.ts';
import {RingConsumer, RingProducer, planRing} from '../memory/spsc-ring.ts';

const GRANTED = 0;
const ROW_LIMIT = 1;
const BACKLOG = 32;
const CONTROL_SIZE_BYTES = 256;

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
  let capacity = 1;
  while (capacity < creditsMax + EVENTS_IN_FLIGHT_MAX) capacity *= 2;
  return {
    ring: planRing(plan, `${name} ring`, capacity),
    control: plan.reserve(`${name} control`, CONTROL_SIZE_BYTES),
    exclusiveCredits,
  };
}

/** The producing end. Create it in the thread that produces. */
export class OutputChannel {
  readonly #ring: RingProducer;
  readonly #words: Int32Array;
  readonly #control: number;
  readonly #consumer: Doorbell | undefined;
  /** Events that found the ring full, four words each; nothing may overtake them. */
  readonly #waitingEvents: number[] = [];
  #sent: number;
  #grantedSeen: number;
  #backlogShown = 0;

  /** `consumer` is the doorbell of the consuming thread; absent if it is this thread. */
  constructor(arena: Arena, layout: ChannelLayout, consumer: Doorbell | undefined) {
    this.#ring = new RingProducer(arena, layout.ring);
    this.#words = arena.words;
    this.#control = layout.control.offsetBytes >> 2;
    this.#consumer = consumer;
    this.#sent = 0;
    this.#grantedSeen = 0;
  }

  /** Whether a batch may be sent now. */
  hasCredit(): boolean {
    if (((this.#grantedSeen - this.#sent) | 0) <= 0) {
      this.#grantedSeen = Atomics.load(this.#words, this.#control + GRANTED);
      if (((this.#grantedSeen - this.#sent) | 0) <= 0) return false;
    }
    return this.#waitingEvents.length === 0 || this.flushEvents();
  }

  /** Sends a descriptor that names segments. The caller has seen `hasCredit`. */
  send(kind: number, segment: number, size: number, segmentCount: number): void {
    assert(((this.#grantedSeen - this.#sent) | 0) > 0, 'a batch was sent without credit');
    const hasRoom = this.#ring.offer(kind, segment, size, segmentCount);
    assert(hasRoom, 'a channel has more credits than its ring has room');
    this.#sent = (this.#sent + 1) | 0;
    if (this.#backlogShown !== 0) this.showBacklog(0);
    this.#publish();
  }

  /** Sends an event in its place behind everything sent before. Never refused. */
  sendEvent(kind: number, a = 0, b = 0, c = 0): void {
    if (this.#waitingEvents.length > 0 || this.#ring.room <= this.#creditsLeft()) {
      this.#waitingEvents.push(kind, a, b, c);
      this.flushEvents();
      return;
    }
    this.#ring.offer(kind, a, b, c);
    this.#publish();
  }

  /** Tries to send events that waited for room; true if none is left. */
  flushEvents(): boolean {
    const waiting = this.#waitingEvents;
    let index = 0;
    while (index < waiting.length && this.#ring.room > this.#creditsLeft()) {
      this.#ring.offer(
        waiting[index]!,
        waiting[index + 1]!,
        waiting[index + 2]!,
        waiting[index + 3]!,
      );
      index += 4;
    }
    if (index > 0) {
      waiting.splice(0, index);
      this.#publish();
    }
    return waiting.length === 0;
  }

  /** Tells the consumer how many batches wait for credit, so that it may lend a floating one. */
  showBacklog(batches: number): void {
    if (this.#backlogShown === batches) return;
    this.#backlogShown = batches;
    Atomics.store(this.#words, this.#control + BACKLOG, batches);
    if (batches > 0) this.#consumer?.ring();
  }

  /** Whether the consumer has read everything and waits for more. */
  isDrained(): boolean {
    return this.#ring.isEmpty();
  }

  /** Rows per batch that the consumer would like; 0 if it does not mind. */
  rowLimit(): number {
    return Atomics.load(this.#words, this.#control + ROW_LIMIT);
  }

  #creditsLeft(): number {
    return (this.#grantedSeen - this.#sent) | 0;
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
  #granted: number;

  /** `producer` is the doorbell of the producing thread; absent if it is this thread. */
  constructor(arena: Arena, layout: ChannelLayout, index: number, producer: Doorbell | undefined) {
    this.index = index;
    this.#ring = new RingConsumer(arena, layout.ring);
    this.#words = arena.words;
    this.#control = layout.control.offsetBytes >> 2;
    this.#producer = producer;
    this.#granted = 0;
    this.grant(layout.exclusiveCredits);
  }

  /** How many descriptors wait to be read. */
  queueLength(): number {
    return this.#ring.available();
  }

  /** Kind of the oldest descriptor; ask `queueLength` first. */
  kind(): number {
    return this.#ring.peekWord(0, 0);
  }

  /** Word 1, 2 or 3 of the oldest descriptor. */
  word(index: 1 | 2 | 3): number {
    return this.#ring.peekWord(0, index);
  }

  /** Done with the oldest descriptor. */
  release(): void {
    this.#ring.release(1);
  }

  /** Lets the producer send `credits` more batches. */
  grant(credits: number): void {
    this.#granted = (this.#granted + credits) | 0;
    Atomics.store(this.#words, this.#control + GRANTED, this.#granted);
    if (this.backlog() > 0) this.#producer?.ring();
  }

  /** How many batches the producer holds back for want of credit. */
  backlog(): number {
    return Atomics.load(this.#words, this.#control + BACKLOG);
  }

  /** Asks the producer for batches of at most `rows` rows; 0 for any size. */
  limitRows(rows: number): void {
    Atomics.store(this.#words, this.#control + ROW_LIMIT, rows);
  }
}
