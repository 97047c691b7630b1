package millrace.bench;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import millrace.bench.FlinkPeer.Answer;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;

/** tumbling, sliding and session: bench/jobs/windows.ts. */
final class Windows implements FlinkPeer.Job {
  private final long records;
  private final RangeSource.Maker<KeyedRecord> maker;
  private final WindowAssigner<Object, TimeWindow> assigner;

  Windows(String kind, Map<String, String> options) {
    records = number(options, "records");
    int keys = (int) number(options, "keys");
    long perMs = number(options, "perMs");
    switch (kind) {
      case "tumbling" -> {
        assigner = TumblingEventTimeWindows.of(Duration.ofMillis(number(options, "sizeMs")));
        maker =
            (i, n) ->
                KeyedRecord.of(
                    Integer.remainderUnsigned((int) i * 0x9E3779B1, keys), (int) i, n / perMs);
      }
      case "sliding" -> {
        assigner =
            SlidingEventTimeWindows.of(
                Duration.ofMillis(number(options, "sizeMs")),
                Duration.ofMillis(number(options, "slideMs")));
        maker =
            (i, n) ->
                KeyedRecord.of(Integer.remainderUnsigned(mix((int) i), keys), (int) i, n / perMs);
      }
      case "session" -> {
        assigner = EventTimeSessionWindows.withGap(Duration.ofMillis(number(options, "gapMs")));
        long burst = number(options, "burst");
        int perPart = keys / 10;
        maker =
            (i, n) -> {
              int part = (int) (n / burst % 10);
              int key = part * perPart + Integer.remainderUnsigned(mix((int) i), perPart);
              return KeyedRecord.of(key, (int) i, n / perMs * 2);
            };
      }
      default -> throw new IllegalArgumentException("no such windows: " + kind);
    }
  }

  private static long number(Map<String, String> options, String name) {
    return Long.parseLong(options.get(name));
  }

  private static int mix(int z) {
    z ^= z >>> 16;
    z *= 0x21F0AAAD;
    z ^= z >>> 15;
    z *= 0x735A2D97;
    return z ^ (z >>> 15);
  }

  /** Accumulator and result. A POJO, as Flink understands it. */
  public static final class WindowCount {
    public int key;
    public long count;
  }

  private static final class CountPerKey
      implements AggregateFunction<KeyedRecord, WindowCount, WindowCount> {
    @Override
    public WindowCount createAccumulator() {
      return new WindowCount();
    }

    @Override
    public WindowCount add(KeyedRecord record, WindowCount held) {
      held.key = record.key;
      held.count += 1;
      return held;
    }

    @Override
    public WindowCount getResult(WindowCount held) {
      return held;
    }

    @Override
    public WindowCount merge(WindowCount a, WindowCount b) {
      a.count += b.count;
      return a;
    }
  }

  /** Adds up what arrives. The totals are static, because the tasks run in this JVM. */
  private static final class Totals implements Sink<WindowCount> {
    static final AtomicLong RESULTS = new AtomicLong();
    static final AtomicLong COUNTS = new AtomicLong();
    static final AtomicLong SQUARES = new AtomicLong();

    @Override
    public SinkWriter<WindowCount> createWriter(WriterInitContext context) {
      return new SinkWriter<>() {
        private long results = 0;
        private long counts = 0;
        private long squares = 0;

        @Override
        public void write(WindowCount window, Context context) {
          results += 1;
          counts += window.count;
          squares += window.count * window.count;
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {
          RESULTS.addAndGet(results);
          COUNTS.addAndGet(counts);
          SQUARES.addAndGet(squares);
        }
      };
    }
  }

  @Override
  public Answer round(FlinkPeer flink) throws Exception {
    Totals.RESULTS.set(0);
    Totals.COUNTS.set(0);
    Totals.SQUARES.set(0);
    TypeInformation<WindowCount> type = TypeInformation.of(WindowCount.class);
    flink.run(
        environment ->
            environment
                .fromSource(
                    new RangeSource<>(records, maker),
                    WatermarkStrategy.<KeyedRecord>forMonotonousTimestamps()
                        .withTimestampAssigner((record, before) -> (long) record.ts),
                    "make",
                    KeyedRecord.TYPE)
                .keyBy(record -> record.key, Types.INT)
                .window(assigner)
                .aggregate(new CountPerKey(), type, type)
                .sinkTo(new Totals()));
    return new Answer(records, Totals.RESULTS + "/" + Totals.COUNTS + "/" + Totals.SQUARES);
  }
}
