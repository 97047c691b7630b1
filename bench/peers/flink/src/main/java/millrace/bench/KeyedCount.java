package millrace.bench;

import millrace.bench.FlinkPeer.Answer;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** J2x and contended: bench/jobs/j2x.ts. */
final class KeyedCount implements FlinkPeer.Job {
  private final long records;
  private final int keys;

  KeyedCount(long records, int keys) {
    this.records = records;
    this.keys = keys;
  }

  static int keyOf(long i, int keys) {
    int hash = (int) i * 0x9E3779B1;
    return keys == 1024 ? hash >>> 22 : Integer.remainderUnsigned(hash, keys);
  }

  static void build(
      StreamExecutionEnvironment environment, long records, int keys, TotalSink sink) {
    environment
        .fromSource(
            new RangeSource<>(
                records, (i, n) -> KeyedRecord.of(keyOf(i, keys), (int) i, i / 100)),
            WatermarkStrategy.noWatermarks(),
            "make",
            KeyedRecord.TYPE)
        .keyBy(record -> record.key, Types.INT)
        .process(
            new CountAndSum.OfKeyedRecords(), TypeInformation.of(CountAndSum.Update.class))
        .sinkTo(sink);
  }

  @Override
  public Answer round(FlinkPeer flink) throws Exception {
    TotalSink.reset();
    flink.run(environment -> build(environment, records, keys, new TotalSink()));
    return new Answer(TotalSink.UPDATES.get(), TotalSink.UPDATES + "/" + TotalSink.COUNTS);
  }
}
