package millrace.bench;

import java.io.Serializable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The schedule of an open loop: in each source, record n is due at start + n / rate. The start is
 * the same for all sources: shortly after the last of them has its split.
 *
 * <p>Flink hands every source a copy of this object, which lies beside it in the same JVM; what they
 * share (the start, the ticking thread) is static.
 */
final class Schedule implements Serializable {
  private static final long TICK_NANOS = 100_000;
  private static final long LEAD_NANOS = 50_000_000;

  private static volatile AtomicInteger missing;
  private static volatile long startNanos;
  private static volatile long warmUpNanos;
  private static volatile CompletableFuture<Void> tick = new CompletableFuture<>();

  static {
    Thread ticker =
        new Thread(
            () -> {
              for (; ; ) {
                LockSupport.parkNanos(TICK_NANOS);
                CompletableFuture<Void> now = tick;
                tick = new CompletableFuture<>();
                now.complete(null);
              }
            },
            "ticker");
    ticker.setDaemon(true);
    ticker.start();
  }

  private final double ratePerNano;

  /** A new run for this many sources, each at this rate; what is due in the warm-up is not timed. */
  Schedule(int sources, double ratePerSecond, double warmUpSeconds) {
    ratePerNano = ratePerSecond / 1e9;
    startNanos = Long.MAX_VALUE;
    warmUpNanos = (long) (warmUpSeconds * 1e9);
    missing = new AtomicInteger(sources);
  }

  /** A source has its split. */
  void ready() {
    if (missing.decrementAndGet() == 0) startNanos = System.nanoTime() + LEAD_NANOS;
  }

  /** How many records of each source are due by now. */
  long due() {
    long start = startNanos;
    long now = System.nanoTime();
    return start == Long.MAX_VALUE || now < start ? 0 : (long) ((now - start) * ratePerNano);
  }

  /** When record n of a source is due, on the clock of System.nanoTime. */
  long dueNanos(long n) {
    return startNanos + (long) (n / ratePerNano);
  }

  /** Whether a record that is due then is behind the warm-up. */
  static boolean isTimed(double dueNanos) {
    return dueNanos - startNanos >= warmUpNanos;
  }

  /** Completes within 0.1 ms: when a source that has nothing due looks again. */
  CompletableFuture<Void> nextTick() {
    return tick;
  }
}
