package millrace.bench;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicLongArray;
import millrace.bench.CountAndSum.Update;
import millrace.bench.FlinkPeer.Answer;
import millrace.bench.FlinkPeer.Watch;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;

/**
 * latency: bench/jobs/latency.ts. The buffer timeout is 1 ms here instead of 100: a record may wait
 * that long in a buffer that is not full. (0, a flush after each record, can't hold the load.)
 */
final class Latency implements FlinkPeer.Job {
  private static final int CALIBRATIONS = 4;
  private static final int SAMPLE = 16;
  private static final long BUFFER_TIMEOUT_MS = 1;

  private final long calibrationRecords;
  private final double warmUpSeconds;
  private final double seconds;
  private final double load;
  /** Records per second at full speed, found in the first round. */
  private double maximum = 0;

  Latency(long calibrationRecords, double warmUpSeconds, double seconds, double load) {
    this.calibrationRecords = calibrationRecords;
    this.warmUpSeconds = warmUpSeconds;
    this.seconds = seconds;
    this.load = load;
  }

  /** Counts of latencies in buckets of 0.5 %, as bench/lib/statistics.ts has them. */
  private static final class Buckets {
    private static final int PER_OCTAVE = 128;
    private static final double FLOOR_MS = 1e-4;
    private static final AtomicLongArray COUNTS = new AtomicLongArray(PER_OCTAVE * 40);

    static void reset() {
      for (int i = 0; i < COUNTS.length(); i += 1) COUNTS.set(i, 0);
    }

    static void record(double ms) {
      int bucket =
          ms <= FLOOR_MS ? 0 : (int) (Math.log(ms / FLOOR_MS) / Math.log(2) * PER_OCTAVE);
      COUNTS.incrementAndGet(Math.min(bucket, COUNTS.length() - 1));
    }

    static double percentile(double share) {
      long total = 0;
      for (int i = 0; i < COUNTS.length(); i += 1) total += COUNTS.get(i);
      long seen = 0;
      for (int i = 0; i < COUNTS.length(); i += 1) {
        seen += COUNTS.get(i);
        if (seen >= share * total) return FLOOR_MS * Math.pow(2, (i + 1.0) / PER_OCTAVE);
      }
      return 0;
    }
  }

  private static final class TimedCount extends CountAndSum<KeyedRecord> {
    @Override
    public void processElement(KeyedRecord record, Context context, Collector<Update> out)
        throws Exception {
      Update update = add(record.key, record.value);
      update.due = record.value % SAMPLE == 0 ? record.ts : 0;
      out.collect(update);
    }
  }

  private static final class TimedSink extends TotalSink {
    @Override
    void see(Update update) {
      if (update.due != 0 && Schedule.isTimed(update.due)) Buckets.record((System.nanoTime() - update.due) / 1e6);
    }
  }

  private static void calibration(StreamExecutionEnvironment environment, long records) {
    environment.setBufferTimeout(BUFFER_TIMEOUT_MS);
    KeyedCount.build(environment, records, 1024, new TotalSink());
  }

  private static void openLoop(
      StreamExecutionEnvironment environment, long records, Schedule schedule) {
    environment.setBufferTimeout(BUFFER_TIMEOUT_MS);
    environment
        .fromSource(
            new RangeSource<>(
                records,
                (i, n) ->
                    KeyedRecord.of(KeyedCount.keyOf(i, 1024), (int) i, schedule.dueNanos(n)),
                schedule),
            WatermarkStrategy.noWatermarks(),
            "make",
            KeyedRecord.TYPE)
        .keyBy(record -> record.key, Types.INT)
        .process(new TimedCount(), TypeInformation.of(Update.class))
        .sinkTo(new TimedSink());
  }

  private void calibrate(FlinkPeer flink) throws Exception {
    for (int i = 0; i < CALIBRATIONS; i += 1) {
      Watch watch = new Watch();
      flink.run(environment -> calibration(environment, calibrationRecords));
      maximum = Math.max(maximum, calibrationRecords / watch.stop().seconds);
    }
  }

  @Override
  public Answer round(FlinkPeer flink) throws Exception {
    if (maximum == 0) calibrate(flink);
    double rate = maximum * load;
    long records = (long) (rate * (warmUpSeconds + seconds));
    TotalSink.reset();
    Buckets.reset();
    Watch watch = new Watch();
    Schedule schedule =
        new Schedule(FlinkPeer.PARALLELISM, rate / FlinkPeer.PARALLELISM, warmUpSeconds);
    flink.run(environment -> openLoop(environment, records, schedule));
    watch.stop();
    return new Answer(
        TotalSink.UPDATES.get(),
        TotalSink.UPDATES + "/" + TotalSink.COUNTS,
        watch,
        String.format(
            Locale.ROOT,
            ",\"p50Ms\":%.4f,\"p99Ms\":%.4f,\"p999Ms\":%.4f,\"p9999Ms\":%.4f",
            Buckets.percentile(0.5),
            Buckets.percentile(0.99),
            Buckets.percentile(0.999),
            Buckets.percentile(0.9999)));
  }
}
