/** bids: the exchange of J2x with whole auction bids, three strings each. */
import {job, type Sink, type SinkWriter, type SinkWriterContext} from '../../../src/index.ts';
import {bid, foldTexts, type BidsParameters} from '../../jobs/bids.ts';

interface Update {
  readonly count: number;
  readonly texts: number;
}

class UpdatesWriter implements SinkWriter<Update> {
  readonly #context: SinkWriterContext;
  #updates = 0;
  #counts = 0;
  #texts = 0;

  constructor(context: SinkWriterContext) {
    this.#context = context;
  }

  write(update: Update): void {
    this.#updates += 1;
    this.#counts += update.count;
    this.#texts += update.texts;
  }

  close(): void {
    this.#context.addToAccumulator('updates', this.#updates);
    this.#context.addToAccumulator('counts', this.#counts);
    this.#context.addToAccumulator('texts', this.#texts);
  }
}

const updatesSink: Sink<Update> = {
  name: 'Updates',
  createWriter: context => new UpdatesWriter(context),
};

export default job<BidsParameters>((env, {records}) => {
  env
    .generate(bid, {count: records})
    .keyBy('auction')
    .aggregate({
      createAccumulator: () => ({auction: 0, count: 0, sum: 0, texts: 0}),
      add: (each, {count, sum}) => ({
        auction: each.auction,
        count: count + 1,
        sum: sum + each.price,
        texts: foldTexts(each.channel, each.url, each.extra),
      }),
      getResult: accumulator => accumulator,
    })
    .sinkTo(updatesSink);
});
