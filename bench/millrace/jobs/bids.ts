/** bids: the exchange of J2x with whole auction bids, three strings each. */
import {job, type Sink} from '../../../src/index.ts';
import {bid, foldTexts, type BidsParameters} from '../../jobs/bids.ts';

interface Update {
  readonly count: number;
  readonly texts: number;
}

function updatesSink(): Sink<Update> {
  return {
    name: 'Updates',
    createWriter(context) {
      let updates = 0;
      let counts = 0;
      let texts = 0;
      return {
        write(update) {
          updates += 1;
          counts += update.count;
          texts += update.texts;
        },
        close() {
          context.addToAccumulator('updates', updates);
          context.addToAccumulator('counts', counts);
          context.addToAccumulator('texts', texts);
        },
      };
    },
  };
}

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
    .sinkTo(updatesSink());
});
