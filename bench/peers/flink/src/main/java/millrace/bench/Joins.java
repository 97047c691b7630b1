package millrace.bench;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import millrace.bench.FlinkPeer.Answer;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.util.Collector;

/** interval-join and window-join: bench/jobs/joins.ts. */
final class Joins implements FlinkPeer.Job {
  private static final int RIGHT = 0x40000000;

  private final boolean isInterval;
  private final long records;
  private final int keys;
  private final long spanMs;
  private final long perMs;

  Joins(String kind, Map<String, String> options) {
    isInterval = kind.equals("interval-join");
    records = Long.parseLong(options.get("records"));
    keys = Integer.parseInt(options.get("keys"));
    spanMs = Long.parseLong(options.get("spanMs"));
    perMs = Long.parseLong(options.get("perMs"));
  }

  private static int mix(int z) {
    z ^= z >>> 16;
    z *= 0x21F0AAAD;
    z ^= z >>> 15;
    z *= 0x735A2D97;
    return z ^ (z >>> 15);
  }

  private static int weightOf(KeyedRecord left, KeyedRecord right) {
    return (left.value + right.value) % 1000;
  }

  private DataStream<KeyedRecord> stream(StreamExecutionEnvironment environment, int shift) {
    int keyCount = keys;
    long ofMs = perMs;
    return environment.fromSource(
        new RangeSource<KeyedRecord>(
            records / 2,
            (i, n) ->
                KeyedRecord.of(
                    Integer.remainderUnsigned(mix((int) i + shift), keyCount), (int) i, n / ofMs)),
        WatermarkStrategy.<KeyedRecord>forMonotonousTimestamps()
            .withTimestampAssigner((record, before) -> (long) record.ts),
        shift == 0 ? "left" : "right",
        KeyedRecord.TYPE);
  }

  private static final class Pairs extends ProcessJoinFunction<KeyedRecord, KeyedRecord, Integer> {
    @Override
    public void processElement(
        KeyedRecord left, KeyedRecord right, Context context, Collector<Integer> out) {
      out.collect(weightOf(left, right));
    }
  }

  private static final class Weights implements JoinFunction<KeyedRecord, KeyedRecord, Integer> {
    @Override
    public Integer join(KeyedRecord left, KeyedRecord right) {
      return weightOf(left, right);
    }
  }

  /** Adds up what arrives. The totals are static, because the tasks run in this JVM. */
  private static final class Totals implements Sink<Integer> {
    static final AtomicLong RESULTS = new AtomicLong();
    static final AtomicLong SUM = new AtomicLong();
    static final AtomicLong SQUARES = new AtomicLong();

    @Override
    public SinkWriter<Integer> createWriter(WriterInitContext context) {
      return new SinkWriter<>() {
        private long results = 0;
        private long sum = 0;
        private long squares = 0;

        @Override
        public void write(Integer weight, Context context) {
          results += 1;
          sum += weight;
          squares += (long) weight * weight;
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {
          RESULTS.addAndGet(results);
          SUM.addAndGet(sum);
          SQUARES.addAndGet(squares);
        }
      };
    }
  }

  @Override
  public Answer round(FlinkPeer flink) throws Exception {
    Totals.RESULTS.set(0);
    Totals.SUM.set(0);
    Totals.SQUARES.set(0);
    flink.run(
        environment -> {
          DataStream<KeyedRecord> left = stream(environment, 0);
          DataStream<KeyedRecord> right = stream(environment, RIGHT);
          DataStream<Integer> weights =
              isInterval
                  ? left.keyBy(record -> record.key, Types.INT)
                      .intervalJoin(right.keyBy(record -> record.key, Types.INT))
                      .between(Duration.ofMillis(-spanMs), Duration.ofMillis(spanMs))
                      .process(new Pairs(), Types.INT)
                  : left.join(right)
                      .where(record -> record.key, Types.INT)
                      .equalTo(record -> record.key, Types.INT)
                      .window(TumblingEventTimeWindows.of(Duration.ofMillis(spanMs)))
                      .apply(new Weights(), Types.INT);
          weights.sinkTo(new Totals());
        });
    return new Answer(
        records, Totals.RESULTS + "/" + Totals.SUM + "/" + Totals.SQUARES);
  }
}
