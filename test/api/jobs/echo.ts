/** Gives the host back what it writes: everything, or every copy of it, through another worker. */
import {job} from '../../../src/index.ts';

export interface EchoArgs {
  readonly inputs?: readonly string[];
  /** How often each record comes back; default once. */
  readonly copies?: number;
}

export default job<EchoArgs>((env, {inputs = ['in'], copies = 1}) => {
  for (const input of inputs) {
    const output = inputs.length === 1 ? 'out' : `${input}-out`;
    env
      .fromHost(input)
      .rebalance()
      .flatMap(value => Array.from({length: copies}, () => value))
      .toHost(output);
  }
});
