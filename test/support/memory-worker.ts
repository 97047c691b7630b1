/**
 * Worker entry of the memory stress tests: runs the role that `memory-threads.ts` asks for and posts
 * its result. Each role checks what it sees while it works; its result lists the violations.
 *
 * Shared test words (region `check`): 0 START · 1 STOP · 2 + owner: PROGRESS of that owner (thousands
 * of operations, notified) · from word 32 on one word per segment, which names who uses it now.
 * The latter are the judge: kept by compareExchange, they know nothing of the pool's own words.
 */
import {parentPort, workerData} from 'node:worker_threads';
import {Random} from '../../src/base/random.ts';
import {Arena, type Region} from '../../src/memory/arena.ts';
import {Doorbell, type DoorbellLayout} from '../../src/memory/doorbell.ts';
import {LocalPool} from '../../src/memory/local-pool.ts';
import {NO_SEGMENT, SegmentPool, type SegmentPoolLayout} from '../../src/memory/segment-pool.ts';
import {RingConsumer, RingProducer} from '../../src/memory/spsc-ring.ts';

/** What every role is given. */
export interface RoleInput {
  readonly role: keyof typeof roles;
  readonly buffer: SharedArrayBuffer;
  readonly check: Region;
  readonly owner: number;
  readonly seed: number;
  readonly operations: number;
  readonly pool?: SegmentPoolLayout;
  readonly debug?: boolean;
  readonly cacheMax?: number;
  readonly count?: number;
  readonly ring?: Region;
  readonly bells?: DoorbellLayout;
  readonly ringers?: number;
}

/** What every role answers. */
export interface RoleResult {
  readonly done: number;
  readonly refused: number;
  readonly violations: string[];
}

const START = 0;
const STOP = 1;
const PROGRESS = 2;
const USED_BY = 32;

/** A park this long means that nobody is going to ring: a wake-up was lost. */
const LOST_AFTER_MS = 10_000;

const input = workerData as RoleInput;
const arena = new Arena(input.buffer);
const {words} = arena;
const check = input.check.offsetBytes >> 2;
const violations: string[] = [];

const fail = (what: string) => {
  if (violations.length < 10) violations.push(`owner ${input.owner}: ${what}`);
};

/** Takes note that this thread uses the segment, and stamps its first and last word. */
function enter(pool: SegmentPool, segment: number, stamp: number): void {
  const before = Atomics.compareExchange(words, check + USED_BY + segment, 0, input.owner);
  if (before !== 0) fail(`twice: segment ${segment} is also used by ${before}`);
  const start = pool.offsetBytes(segment) >> 2;
  words[start] = stamp;
  words[start + (pool.segmentSizeBytes >> 2) - 1] = ~stamp;
}

/** Checks the stamps, then takes note that this thread no longer uses the segment. */
function leave(pool: SegmentPool, segment: number, stamp: number): void {
  const start = pool.offsetBytes(segment) >> 2;
  const end = start + (pool.segmentSizeBytes >> 2) - 1;
  if (words[start] !== stamp || words[end] !== ~stamp) fail(`torn: segment ${segment}`);
  if (pool.ownerOf(segment) !== input.owner) fail(`owner word of segment ${segment}`);
  if (Atomics.exchange(words, check + USED_BY + segment, 0) !== input.owner) {
    fail(`twice: segment ${segment} was taken over`);
  }
}

function progress(): void {
  Atomics.add(words, check + PROGRESS + input.owner, 1);
  Atomics.notify(words, check + PROGRESS + input.owner);
}

/** Takes and gives at random, through a cache if `cacheMax` is given, until done or stopped. */
function churn(): RoleResult {
  const pool = new SegmentPool(arena, input.pool!);
  const local =
    input.cacheMax === undefined ? undefined : new LocalPool(pool, input.owner, input.cacheMax);
  const random = new Random(input.seed);
  const held: Array<{segment: number; stamp: number}> = [];
  let done = 0;
  let refused = 0;
  while (done < input.operations && Atomics.load(words, check + STOP) === 0) {
    if (random.below(2) === 0) {
      const segment = local === undefined ? pool.take(input.owner) : local.take();
      if (segment === NO_SEGMENT) {
        refused += 1;
      } else {
        const stamp = random.nextUint32() | 0;
        enter(pool, segment, stamp);
        held.push({segment, stamp});
      }
    }
    if (held.length > input.count! || random.below(2) === 0) {
      const [last] = held.splice(random.below(held.length), 1);
      if (last !== undefined) {
        leave(pool, last.segment, last.stamp);
        if (local === undefined) pool.give(last.segment);
        else local.give(last.segment);
      }
    }
    done += 1;
    if (done % 1_000 === 0) progress();
  }
  for (const {segment, stamp} of held) {
    leave(pool, segment, stamp);
    pool.give(segment);
  }
  local?.drain();
  return {done, refused, violations};
}

/**
 * Reclaims for an owner that has nothing, over and over, until told to stop: each pass may set bits
 * of segments that others are taking at that moment, which they must survive.
 */
function reclaimNobody(): RoleResult {
  const pool = new SegmentPool(arena, input.pool!);
  let done = 0;
  while (Atomics.load(words, check + STOP) === 0) {
    if (pool.reclaim(input.owner) !== 0) fail('reclaimed segments of others');
    done += 1;
  }
  return {done, refused: 0, violations};
}

/** Takes `count` segments at once, `operations` times, however often it is told "not now". */
function takeAll(): RoleResult {
  const pool = new SegmentPool(arena, input.pool!);
  const into: number[] = [];
  let done = 0;
  let refused = 0;
  while (done < input.operations) {
    if (!pool.takeAll(input.owner, input.count!, into)) {
      if (into.length > 0) fail('a refused takeAll left segments behind');
      refused += 1;
      continue;
    }
    if (into.length !== input.count) fail('a part was taken');
    for (const segment of into) enter(pool, segment, done);
    for (const segment of into) leave(pool, segment, done);
    for (const segment of into) pool.give(segment);
    done += 1;
  }
  return {done, refused, violations};
}

/** Says how the four words of entry `n` must look: words that do not belong together show up. */
const second = (n: number) => Math.imul(n, 0x9e3779b1);

/** Parks on doorbell `index` unless `isReady`; no ring within the limit is a lost wake-up. */
function parkUnless(bell: Doorbell, isReady: () => boolean): void {
  const seen = bell.prepareToPark();
  if (!isReady() && bell.park(seen, LOST_AFTER_MS) === 'timeout') fail('lost: a wake-up');
  bell.awake();
}

/** Publishes `operations` entries in random batches; parks on doorbell 0 when the ring is full. */
function produce(): RoleResult {
  const producer = new RingProducer(arena, input.ring!);
  const own = new Doorbell(arena, input.bells!, 0);
  const peer = new Doorbell(arena, input.bells!, 1);
  const random = new Random(input.seed);
  let done = 0;
  let refused = 0;
  while (done < input.operations && violations.length === 0) {
    const batch = Math.min(1 + random.below(6), input.operations - done);
    let offered = 0;
    while (offered < batch && producer.offer(done, second(done), ~done, input.seed)) {
      done += 1;
      offered += 1;
    }
    producer.publish();
    peer.ring();
    if (offered < batch) {
      refused += 1;
      parkUnless(own, () => producer.room > 0);
    }
  }
  return {done, refused, violations};
}

/** Reads `operations` entries; parks on doorbell 1 when there is none. */
function consume(): RoleResult {
  const consumer = new RingConsumer(arena, input.ring!);
  const own = new Doorbell(arena, input.bells!, 1);
  const peer = new Doorbell(arena, input.bells!, 0);
  const random = new Random(input.seed + 1);
  let done = 0;
  let refused = 0;
  while (done < input.operations && violations.length === 0) {
    const available = consumer.available();
    if (available === 0) {
      refused += 1;
      parkUnless(own, () => consumer.refresh() > 0);
      continue;
    }
    const count = 1 + random.below(available);
    for (let entry = 0; entry < count; entry += 1) {
      const n = consumer.peekWord(entry, 0);
      if (n > done) fail(`lost: entry ${n} came where ${done} was due`);
      if (n < done) fail(`twice or out of order: entry ${n} came where ${done} was due`);
      if (
        consumer.peekWord(entry, 1) !== second(n) ||
        consumer.peekWord(entry, 2) !== ~n ||
        consumer.peekWord(entry, 3) !== input.seed
      ) {
        fail(`torn: entry ${n}`);
      }
      done += 1;
    }
    consumer.release(count);
    peer.ring();
  }
  if (consumer.refresh() !== 0 && done === input.operations) fail('twice: entries are left over');
  return {done, refused, violations};
}

/** Adds one item at a time to the shared count (the word of owner 0) and rings the sleeper. */
function ringBell(): RoleResult {
  const bell = new Doorbell(arena, input.bells!, 0);
  const random = new Random(input.seed);
  let idle = 0;
  for (let n = 0; n < input.operations; n += 1) {
    Atomics.add(words, check + USED_BY, 1);
    bell.ring();
    // Pauses of different lengths let the sleeper fall asleep at different moments.
    for (let pause = random.below(200); pause > 0; pause -= 1)
      idle += Atomics.load(words, check + STOP);
  }
  return {done: input.operations, refused: idle, violations};
}

/** Takes items from the shared count; sleeps at once when there is none. */
async function sleep(): Promise<RoleResult> {
  const bell = new Doorbell(arena, input.bells!, 0);
  const total = input.operations * input.ringers!;
  const isAsync = input.count === 1;
  // Without a ref'd handle a thread that only waits on waitAsync would end.
  const handle = setInterval(() => {}, 60_000);
  let done = 0;
  let refused = 0;
  while (done < total && violations.length === 0) {
    const items = Atomics.exchange(words, check + USED_BY, 0);
    done += items;
    if (items > 0) continue;
    refused += 1;
    const isReady = () => Atomics.load(words, check + USED_BY) > 0;
    if (isAsync) {
      const seen = bell.prepareToPark();
      if (!isReady() && (await bell.parkAsync(seen, LOST_AFTER_MS)) === 'timeout') {
        fail('lost: a wake-up');
      }
      bell.awake();
    } else {
      parkUnless(bell, isReady);
    }
  }
  clearInterval(handle);
  return {done, refused, violations};
}

const roles = {churn, reclaimNobody, takeAll, produce, consume, ringBell, sleep};

Atomics.wait(words, check + START, 0, LOST_AFTER_MS);
parentPort!.postMessage(await roles[input.role]());
