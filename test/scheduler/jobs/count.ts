/** Each task counts to `args.limit` (default 1000). */
import {countTo} from '../../support/fake-runtime.ts';
import type {FakeJob} from '../../support/fake-runtime.ts';

export default (args: {limit?: number; taskCount?: number}): FakeJob => ({
  name: 'count',
  taskCount: args.taskCount ?? 4,
  open: context => countTo(context, args.limit ?? 1000),
});
