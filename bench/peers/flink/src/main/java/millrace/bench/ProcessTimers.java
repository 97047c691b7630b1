package millrace.bench;

import java.util.concurrent.atomic.AtomicLong;
import millrace.bench.FlinkPeer.Answer;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** process: bench/jobs/process.ts. */
final class ProcessTimers implements FlinkPeer.Job {
  private static final long TIMER_MS = 1000;
  private static final int PER_MS = 50;

  private final long records;
  private final int keys;

  ProcessTimers(long records, int keys) {
    this.records = records;
    this.keys = keys;
  }

  private static int mix(int z) {
    z ^= z >>> 16;
    z *= 0x21F0AAAD;
    z ^= z >>> 15;
    z *= 0x735A2D97;
    return z ^ (z >>> 15);
  }

  /** What is kept of a key. A POJO, as Flink understands it. */
  public static final class Sums {
    public long count;
    public long sum;
  }

  /** Goes to a chained sink only, and objects are reused, so one per task is enough. */
  public static final class Update {
    public int key;
    public long count;
    public long sum;
  }

  private static final class Flush extends KeyedProcessFunction<Integer, KeyedRecord, Update> {
    private transient ValueState<Sums> state;
    private transient Update update;

    @Override
    public void open(OpenContext context) {
      state = getRuntimeContext().getState(new ValueStateDescriptor<>("sums", Sums.class));
      update = new Update();
    }

    @Override
    public void processElement(KeyedRecord record, Context context, Collector<Update> out)
        throws Exception {
      Sums sums = state.value();
      if (sums == null) sums = new Sums();
      sums.count += 1;
      sums.sum += record.value;
      state.update(sums);
      context.timerService().registerEventTimeTimer(context.timestamp() + TIMER_MS);
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Update> out)
        throws Exception {
      Sums sums = state.value();
      update.key = context.getCurrentKey();
      update.count = sums.count;
      update.sum = sums.sum;
      out.collect(update);
      sums.count = 0;
      sums.sum = 0;
      state.update(sums);
    }
  }

  /** Adds up what arrives. The totals are static, because the tasks run in this JVM. */
  private static final class Totals implements Sink<Update> {
    static final AtomicLong TIMERS = new AtomicLong();
    static final AtomicLong COUNTS = new AtomicLong();
    static final AtomicLong SUMS = new AtomicLong();

    @Override
    public SinkWriter<Update> createWriter(WriterInitContext context) {
      return new SinkWriter<>() {
        private long timers = 0;
        private long counts = 0;
        private long sums = 0;

        @Override
        public void write(Update update, Context context) {
          timers += 1;
          counts += update.count;
          sums += update.sum;
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {
          TIMERS.addAndGet(timers);
          COUNTS.addAndGet(counts);
          SUMS.addAndGet(sums);
        }
      };
    }
  }

  @Override
  public Answer round(FlinkPeer flink) throws Exception {
    Totals.TIMERS.set(0);
    Totals.COUNTS.set(0);
    Totals.SUMS.set(0);
    int keyCount = keys;
    flink.run(
        environment ->
            environment
                .fromSource(
                    new RangeSource<>(
                        records,
                        (i, n) ->
                            KeyedRecord.of(
                                Integer.remainderUnsigned(mix((int) i), keyCount),
                                (int) i & 1023,
                                n / PER_MS)),
                    WatermarkStrategy.<KeyedRecord>forMonotonousTimestamps()
                        .withTimestampAssigner((record, before) -> (long) record.ts),
                    "make",
                    KeyedRecord.TYPE)
                .keyBy(record -> record.key, Types.INT)
                .process(new Flush(), TypeInformation.of(Update.class))
                .sinkTo(new Totals()));
    return new Answer(records, Totals.TIMERS + "/" + Totals.COUNTS + "/" + Totals.SUMS);
  }
}
