/** A job without end that prints; with the argument `log` by console.log instead of a sink. */
import {job} from '../../../src/index.ts';

export default job((env, args) => {
  const rows = env.generate(index => `row ${index}`, {count: 1e15, ratePerSecond: 20_000});
  if (args[0] !== 'log') rows.print();
  else {
    rows
      .map(row => {
        console.log(row);
        return row;
      })
      .discard();
  }
});
