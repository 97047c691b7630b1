/** The head of a chain that begins with a source: hands on what the task read from it. */
import type {ChainCode, RecordText} from './chain-code.ts';
import {BaseOperator} from './operator-runtime.ts';

export class PassThroughOperator extends BaseOperator {
  process(value: unknown, timestamp: number): void {
    this.context.output.emit(value, timestamp);
  }

  generate(code: ChainCode, record: RecordText): void {
    code.pass(record);
  }
}
