package millrace.bench;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/**
 * The sink of the keyed jobs: how many updates came, and the sums of their counts and texts. Each
 * writer adds up for itself; the totals of all are static, because the tasks run in this JVM.
 */
class TotalSink implements Sink<CountAndSum.Update> {
  static final AtomicLong UPDATES = new AtomicLong();
  static final AtomicLong COUNTS = new AtomicLong();
  static final AtomicLong TEXTS = new AtomicLong();

  static void reset() {
    UPDATES.set(0);
    COUNTS.set(0);
    TEXTS.set(0);
  }

  /** What else a job does with an update. */
  void see(CountAndSum.Update update) {}

  @Override
  public final SinkWriter<CountAndSum.Update> createWriter(WriterInitContext context) {
    return new SinkWriter<>() {
      private long updates = 0;
      private long counts = 0;
      private long texts = 0;

      @Override
      public void write(CountAndSum.Update update, Context context) {
        updates += 1;
        counts += update.count;
        texts += update.texts;
        see(update);
      }

      @Override
      public void flush(boolean endOfInput) {}

      @Override
      public void close() {
        UPDATES.addAndGet(updates);
        COUNTS.addAndGet(counts);
        TEXTS.addAndGet(texts);
      }
    };
  }
}
