/** Random input for windows: elements, watermarks and times that only grow. */
import fc from 'fast-check';

export interface Element {
  readonly key: string;
  /** In the order of arrival. */
  readonly id: number;
  readonly value: number;
  readonly gap: number;
}

export type Step =
  | {readonly kind: 'element'; readonly element: Element; readonly timestamp: number}
  | {readonly kind: 'watermark'; readonly timestamp: number}
  | {readonly kind: 'clock'; readonly now: number};

const element = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  value: fc.integer({min: -5, max: 20}),
  gap: fc.integer({min: 1, max: 12}),
  timestamp: fc.integer({min: -20, max: 60}),
});

export const steps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      {weight: 6, arbitrary: element.map(drawn => ({kind: 'element' as const, drawn}))},
      {
        weight: 2,
        arbitrary: fc.integer({min: 0, max: 12}).map(by => ({kind: 'watermark' as const, by})),
      },
      {
        weight: 2,
        arbitrary: fc.integer({min: 0, max: 9}).map(by => ({kind: 'clock' as const, by})),
      },
    ),
    {maxLength: 60},
  )
  .map(drafts => {
    let [watermark, now] = [-20, 0];
    return drafts.map((draft, id): Step => {
      if (draft.kind === 'element') {
        const {timestamp, ...rest} = draft.drawn;
        return {kind: 'element', element: {...rest, id}, timestamp};
      }
      if (draft.kind === 'watermark') {
        watermark += draft.by;
        return {kind: 'watermark', timestamp: watermark};
      }
      now += draft.by;
      return {kind: 'clock', now};
    });
  });
