package millrace.bench;

import static com.hazelcast.jet.core.Edge.between;

import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.jet.config.EdgeConfig;
import com.hazelcast.jet.config.JobConfig;
import com.hazelcast.jet.core.AbstractProcessor;
import com.hazelcast.jet.core.DAG;
import com.hazelcast.jet.core.Edge;
import com.hazelcast.jet.core.Partitioner;
import com.hazelcast.jet.core.ProcessorMetaSupplier;
import com.hazelcast.jet.core.ProcessorSupplier;
import com.hazelcast.jet.core.Vertex;
import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * J2x and contended (bench/jobs/j2x.ts) on Hazelcast Jet: one embedded member that stays from round
 * to round, two cooperative threads, local parallelism 2, metrics and network discovery off, no
 * processing guarantee. Nothing is serialized: between the processors of one member Jet hands
 * objects over by reference.
 *
 * <p>The job is written against Jet's core API. M records per CPU-second with 1024 keys: this 5.6;
 * with Jet's own partitioner, which serializes each key, 3.3; the same with the pipeline API and
 * mapStateful 1.9; queues of 1024 items instead of 8192 5.3.
 *
 * <p>Spoken to as bench/lib/external.ts says: options, then a line per round, a line of JSON back.
 */
public final class JetPeer {
  private static final int PARALLELISM = 2;
  private static final int QUEUE_SIZE = 8192;

  private static final AtomicLong UPDATES = new AtomicLong();
  private static final AtomicLong COUNTS = new AtomicLong();

  private static final class KeyedRecord {
    final int key;
    final int value;
    final double ts;

    KeyedRecord(int key, int value, double ts) {
      this.key = key;
      this.value = value;
      this.ts = ts;
    }
  }

  private static final class Update {
    final int key;
    final long count;
    final long sum;

    Update(int key, long count, long sum) {
      this.key = key;
      this.count = count;
      this.sum = sum;
    }
  }

  /** Makes the records of its half of the range. */
  private static final class Make extends AbstractProcessor {
    private final long records;
    private final int keys;
    private long next;
    private long end;
    /** What the outbox had no room for. */
    private KeyedRecord waiting;

    Make(long records, int keys) {
      this.records = records;
      this.keys = keys;
    }

    @Override
    protected void init(Context context) {
      int index = context.globalProcessorIndex();
      next = records * index / PARALLELISM;
      end = records * (index + 1) / PARALLELISM;
    }

    @Override
    public boolean complete() {
      if (waiting != null) {
        if (!tryEmit(waiting)) return false;
        waiting = null;
      }
      while (next < end) {
        int hash = (int) next * 0x9E3779B1;
        int key = keys == 1024 ? hash >>> 22 : Integer.remainderUnsigned(hash, keys);
        KeyedRecord record = new KeyedRecord(key, (int) next, next / 100);
        next += 1;
        if (!tryEmit(record)) {
          waiting = record;
          return false;
        }
      }
      return true;
    }
  }

  /** Keeps count and sum per key and emits an update for every record. */
  private static final class Count extends AbstractProcessor {
    private static final class State {
      long count = 0;
      long sum = 0;
    }

    private final Map<Integer, State> states = new HashMap<>();
    private Update waiting;

    @Override
    protected boolean tryProcess0(Object item) {
      if (waiting == null) {
        KeyedRecord record = (KeyedRecord) item;
        State state = states.computeIfAbsent(record.key, key -> new State());
        state.count += 1;
        state.sum += record.value;
        waiting = new Update(record.key, state.count, state.sum);
      }
      if (!tryEmit(waiting)) return false;
      waiting = null;
      return true;
    }
  }

  /** Adds up for itself; the totals of all are static, because the member runs in this JVM. */
  private static final class Total extends AbstractProcessor {
    private long updates = 0;
    private long counts = 0;

    @Override
    protected boolean tryProcess0(Object item) {
      updates += 1;
      counts += ((Update) item).count;
      return true;
    }

    @Override
    public boolean complete() {
      UPDATES.addAndGet(updates);
      COUNTS.addAndGet(counts);
      return true;
    }
  }

  private static DAG graph(long records, int keys) {
    DAG dag = new DAG();
    Vertex make =
        dag.newVertex(
            "make", ProcessorMetaSupplier.of(PARALLELISM, () -> new Make(records, keys)));
    Vertex count = dag.newVertex("count", ProcessorSupplier.of(Count::new));
    Vertex total = dag.newVertex("total", ProcessorSupplier.of(Total::new));
    for (Vertex vertex : new Vertex[] {make, count, total}) vertex.localParallelism(PARALLELISM);
    EdgeConfig queues = new EdgeConfig().setQueueSize(QUEUE_SIZE);
    Edge keyed = between(make, count);
    keyed.partitioned((KeyedRecord record) -> record.key, Partitioner.HASH_CODE);
    dag.edge(keyed.setConfig(queues));
    dag.edge(between(count, total).isolated().setConfig(queues));
    return dag;
  }

  private static HazelcastInstance startMember() {
    Config config = new Config();
    config.setProperty("hazelcast.logging.type", "none");
    config.setProperty("hazelcast.phone.home.enabled", "false");
    config.getMetricsConfig().setEnabled(false);
    config.getJetConfig().setEnabled(true).setCooperativeThreadCount(PARALLELISM);
    config.getNetworkConfig().getJoin().getAutoDetectionConfig().setEnabled(false);
    config.getNetworkConfig().getJoin().getMulticastConfig().setEnabled(false);
    config.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
    return Hazelcast.newHazelcastInstance(config);
  }

  private static double peakRssMb() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
      }
    }
    return 0;
  }

  private static void serve(String[] arguments) throws Exception {
    // Standard output belongs to the answers, whatever a library prints.
    PrintStream out = System.out;
    System.setOut(System.err);
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      options.put(arguments[i].replaceFirst("^--", ""), arguments[i + 1]);
    }
    if (!"j2x".equals(options.get("job"))) throw new IllegalArgumentException("this runs j2x");
    long records = Long.parseLong(options.get("records"));
    int keys = Integer.parseInt(options.get("keys"));

    HazelcastInstance member = startMember();
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    while (lines.readLine() != null) {
      UPDATES.set(0);
      COUNTS.set(0);
      long cpuBefore = system.getProcessCpuTime();
      long start = System.nanoTime();
      member.getJet().newLightJob(graph(records, keys), new JobConfig()).join();
      double seconds = (System.nanoTime() - start) / 1e9;
      double cpuSeconds = (system.getProcessCpuTime() - cpuBefore) / 1e9;
      out.printf(
          Locale.ROOT,
          "{\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"records\":%d,\"checksum\":\"%d/%d\","
              + "\"peakRssMb\":%.1f}%n",
          seconds,
          cpuSeconds,
          UPDATES.get(),
          UPDATES.get(),
          COUNTS.get(),
          peakRssMb());
      out.flush();
    }
  }

  /** Ends the JVM in any case: the threads of the member would keep it alive. */
  public static void main(String[] arguments) {
    try {
      serve(arguments);
    } catch (Throwable error) {
      error.printStackTrace();
      System.exit(1);
    }
    System.exit(0);
  }
}
