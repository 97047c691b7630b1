package millrace.bench;

import java.io.PrintStream;
import millrace.bench.FlinkPeer.Answer;

/** start: J2x with few records, whose sink prints a line at the first of them. */
final class ColdStart implements FlinkPeer.Job {
  private static PrintStream out;

  private final long records;

  ColdStart(long records, PrintStream out) {
    this.records = records;
    ColdStart.out = out;
  }

  private static synchronized void sawRecord() {
    if (out == null) return;
    out.println("first");
    out.flush();
    out = null;
  }

  private static final class FirstSink extends TotalSink {
    @Override
    void see(CountAndSum.Update update) {
      sawRecord();
    }
  }

  @Override
  public Answer round(FlinkPeer flink) throws Exception {
    flink.run(environment -> KeyedCount.build(environment, records, 1024, new FirstSink()));
    return new Answer(records, "first");
  }
}
