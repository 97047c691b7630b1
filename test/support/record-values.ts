/** Arbitrary records for fast-check: shapes that a stream has, and everything that can go wrong. */
import fc from 'fast-check';

/** Field names, among them those that break naive codecs. */
export const fieldName = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'a.b', '__proto__', 'constructor', '', '0', 'x y', '"', '\u2028'),
  fc.string({maxLength: 4}),
);

/** Values without structure, and those with edges. */
export const leafValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(-0, NaN, Infinity, 2 ** 53, 2 ** 31, -(2 ** 31), null, undefined, true, false),
  fc.constantFrom('', '\ud800', 'a\udc00b', 'é', '中', '\0'),
  fc.string({unit: 'binary', maxLength: 40}),
  fc.bigInt(),
  fc.date({noInvalidDate: false}),
  fc.uint8Array({maxLength: 20}),
  fc.uint8Array({maxLength: 20}).map(data => Buffer.from(data)),
);

/** Any nesting of objects, arrays, maps and sets. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{value: unknown}>(tie => ({
  value: fc.oneof(
    {depthSize: 'small', withCrossShrink: true},
    leafValue,
    fc.array(tie('value'), {maxLength: 4}),
    fc.dictionary(fieldName, tie('value'), {maxKeys: 4}),
    fc.array(fc.tuple(tie('value'), tie('value')), {maxLength: 3}).map(pairs => new Map(pairs)),
    fc.array(tie('value'), {maxLength: 3}).map(elements => new Set(elements)),
    fc.sparseArray(leafValue, {maxLength: 8}),
    fc.array(fc.integer(), {maxLength: 5}),
    fc.array(fc.double(), {maxLength: 5}),
  ),
})).value;

/** Records of one rough shape, whose fields vary in type and presence. */
export const similarRecord: fc.Arbitrary<unknown> = fc.record(
  {
    key: fc.integer(),
    price: fc.double(),
    name: fc.string({maxLength: 30}),
    kind: fc.constantFrom('x', 'y', 'zz'),
    inner: fc.option(
      fc.record(
        {
          id: fc.integer({min: -100, max: 100}),
          text: fc.string({maxLength: 3}),
          deep: fc.option(fc.record({at: fc.date()}, {noNullPrototype: true}), {nil: null}),
        },
        {requiredKeys: ['id'], noNullPrototype: true},
      ),
      {nil: undefined},
    ),
    at: fc.date(),
    data: fc.uint8Array({maxLength: 9}),
    isOpen: fc.boolean(),
    mixed: leafValue,
  },
  {requiredKeys: ['key', 'price', 'name', 'kind', 'isOpen'], noNullPrototype: true},
);

/** Runs of similar records mixed with whatever else there is. */
export const recordStream: fc.Arbitrary<unknown[]> = fc
  .array(
    fc.oneof(
      fc.array(similarRecord, {maxLength: 60}),
      fc.array(fc.oneof(anyValue, similarRecord, fc.dictionary(fieldName, leafValue)), {
        maxLength: 30,
      }),
    ),
    {maxLength: 3},
  )
  .map(runs => runs.flat());
