/** What codecs say about many values; for processes that may generate code and those that may not. */
import type {boolean, float64, int32, schema} from '../../src/records/schema.ts';
import type {codecOfSchema, codecOfValue} from '../../src/state/row-codec.ts';

export interface Codecs {
  readonly codecOfSchema: typeof codecOfSchema;
  readonly codecOfValue: typeof codecOfValue;
  readonly schema: typeof schema;
  readonly int32: typeof int32;
  readonly float64: typeof float64;
  readonly boolean: typeof boolean;
}

const VALUES = [
  {a: 1, b: 2.5, c: true},
  {a: -1, b: -0.5, c: false},
  {a: 0.5, b: 2, c: true},
  {a: -0, b: 2, c: true},
  {c: true, b: 1, a: 2},
  {a: 1, b: 2, c: true, d: 3},
  {a: 1, b: 2},
  {a: 1, b: '2', c: true},
  {a: 1, b: 2, c: 1},
  Object.assign(Object.create({inherited: 1}) as object, {a: 1, b: 2, c: true}),
  null,
  7,
];

/** For each codec and value: whether it fits, whether it was written, and what is read then. */
export function answersOf(codecs: Codecs): unknown[] {
  const {schema, int32, float64, boolean} = codecs;
  const all = [
    codecs.codecOfSchema(schema({a: int32, b: float64, c: boolean}))!,
    codecs.codecOfValue({a: 1, b: 2, c: true})!,
    codecs.codecOfValue(1)!,
  ];
  return all.flatMap(codec =>
    VALUES.map(value => {
      const lanes = new Float64Array(5);
      const fits = codec.fits(value);
      const isWritten = codec.write(lanes, 1, value);
      return [fits, isWritten, isWritten ? codec.read(lanes, 1) : [...lanes]];
    }),
  );
}
