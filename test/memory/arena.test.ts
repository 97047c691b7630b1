/** The arena: where regions lie, what is refused, and that all views see the same bytes. */
import fc from 'fast-check';
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {StreamError} from '../../src/base/errors.ts';
import {Arena, ArenaPlan, ARENA_SIZE_BYTES_MAX} from '../../src/memory/arena.ts';

test('regions start at multiples of 128 and sizes round up to multiples of 8', t => {
  const plan = new ArenaPlan();

  const a = plan.reserve('a', 5);
  const b = plan.reserve('b', 129);
  const c = plan.reserve('c', 8, 8);

  t.deepEqual(a, {name: 'a', offsetBytes: 0, sizeBytes: 8});
  t.deepEqual(b, {name: 'b', offsetBytes: 128, sizeBytes: 136});
  t.deepEqual(c, {name: 'c', offsetBytes: 264, sizeBytes: 8});
  t.is(plan.sizeBytes, 272);
  t.deepEqual(plan.regions(), [a, b, c]);
});

test('regions never overlap, whatever is reserved', t => {
  const request = fc.record({
    size: fc.integer({min: 1, max: 5_000}),
    align: fc.constantFrom(8, 64, 128, 4_096),
  });
  fc.assert(
    fc.property(fc.array(request, {minLength: 1, maxLength: 20}), requests => {
      const plan = new ArenaPlan();
      let endBytes = 0;
      requests.forEach(({size, align}, index) => {
        const region = plan.reserve(`r${index}`, size, align);
        if (region.offsetBytes < endBytes) throw new Error('overlap');
        if (region.offsetBytes % align !== 0) throw new Error('not aligned');
        if (region.sizeBytes < size) throw new Error('too small');
        endBytes = region.offsetBytes + region.sizeBytes;
      });
      if (plan.sizeBytes < endBytes) throw new Error('the arena ends too early');
    }),
  );
  t.pass();
});

test('the three views, and those of another thread, see the same bytes', t => {
  const plan = new ArenaPlan();
  plan.reserve('pad', 8);
  const region = plan.reserve('data', 16);
  const arena = plan.create();
  const other = new Arena(arena.buffer);

  arena.doubles[region.offsetBytes >> 3] = 1;
  arena.words[(region.offsetBytes >> 2) + 2] = 0x04030201;

  t.is(other.words[(region.offsetBytes >> 2) + 1], 0x3ff00000);
  t.deepEqual(
    [...other.bytes.subarray(region.offsetBytes + 8, region.offsetBytes + 12)],
    [1, 2, 3, 4],
  );
  t.is(arena.buffer.byteLength, plan.sizeBytes);
  t.false(arena.buffer.growable);
});

test('a name used twice, an empty region and a late one are bugs of the caller', t => {
  const plan = new ArenaPlan();
  plan.reserve('a', 8);

  t.throws(() => plan.reserve('a', 8), {instanceOf: InvariantError, message: /name=a/});
  t.throws(() => plan.reserve('b', 0), {instanceOf: InvariantError});
  t.throws(() => plan.reserve('b', 8, 24), {instanceOf: InvariantError});
  plan.create();
  t.throws(() => plan.reserve('b', 8), {instanceOf: InvariantError, message: /after the arena/});
});

test('an arena beyond 2 GiB is refused with the region, the bytes and the option', t => {
  const plan = new ArenaPlan();
  plan.reserve('small', 8);

  const error = t.throws(() => plan.reserve('segments', 2 ** 31), {instanceOf: StreamError});

  t.is(error?.code, 'E_MEMORY_BUDGET');
  t.is(error?.details['region'], 'segments');
  t.is(error?.details['availableBytes'], ARENA_SIZE_BYTES_MAX);
  t.regex(error?.message ?? '', /memory: '1GB'/);
});

test('a growable buffer is refused', t => {
  const buffer = new SharedArrayBuffer(8, {maxByteLength: 16});

  t.throws(() => new Arena(buffer), {instanceOf: InvariantError, message: /growable/});
});
