package millrace.bench;

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
import java.util.function.Consumer;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The jobs of bench/jobs on Apache Flink: one MiniCluster that stays from round to round, one task
 * manager with two slots (so that exchanges stay inside it), parallelism 2, object reuse, state on
 * the heap, no checkpoints. Everything else has Flink's defaults, but where a job says so.
 *
 * <p>Spoken to as bench/lib/external.ts says: options, then a line per round, a line of JSON back.
 */
public final class FlinkPeer {
  static final int PARALLELISM = 2;

  private final MiniCluster cluster;
  private final Configuration configuration;

  private FlinkPeer() throws Exception {
    configuration = new Configuration();
    configuration.set(PipelineOptions.OBJECT_REUSE, true);
    configuration.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    configuration.set(RestOptions.BIND_PORT, "0");
    cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(PARALLELISM)
                .build());
    cluster.start();
  }

  /** Runs one job to its end, with its submission, as a user of the cluster waits for it. */
  void run(Consumer<StreamExecutionEnvironment> build) throws Exception {
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    environment.setParallelism(PARALLELISM);
    build.accept(environment);
    JobID job = cluster.submitJob(environment.getStreamGraph().getJobGraph()).get().getJobID();
    cluster.requestJobResult(job).get().toJobExecutionResult(getClass().getClassLoader());
  }

  /** What a job does in a round. */
  interface Job {
    Answer round(FlinkPeer flink) throws Exception;
  }

  /**
   * The answer of a round. A job that is more than one run of a topology gives seconds of its own;
   * `more` is further JSON, begun by a comma.
   */
  record Answer(long records, String checksum, Watch watch, String more) {
    Answer(long records, String checksum) {
      this(records, checksum, null, "");
    }
  }

  /** Wall time and the CPU time of all threads of the JVM, from its making on. */
  static final class Watch {
    private static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final long cpuBefore = SYSTEM.getProcessCpuTime();
    private final long start = System.nanoTime();
    double seconds;
    double cpuSeconds;

    Watch stop() {
      seconds = (System.nanoTime() - start) / 1e9;
      cpuSeconds = (SYSTEM.getProcessCpuTime() - cpuBefore) / 1e9;
      return this;
    }
  }

  private static double peakRssMb() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
      }
    }
    return 0;
  }

  private static Job jobNamed(Map<String, String> options, PrintStream out) {
    String name = options.get("job");
    return switch (name) {
      case "j2x" -> new KeyedCount(number(options, "records"), (int) number(options, "keys"));
      case "process" ->
          new ProcessTimers(number(options, "records"), (int) number(options, "keys"));
      case "tumbling", "sliding", "session" -> new Windows(name, options);
      case "interval-join", "window-join" -> new Joins(name, options);
      case "bids" -> new Bids(number(options, "records"));
      case "wordcount" -> new WordCount(options.get("file"));
      case "latency" ->
          new Latency(
              number(options, "calibrationRecords"),
              Double.parseDouble(options.get("warmUpSeconds")),
              Double.parseDouble(options.get("seconds")),
              Double.parseDouble(options.get("load")));
      case "start" -> new ColdStart(number(options, "records"), out);
      default -> throw new IllegalArgumentException("no such job: " + name);
    };
  }

  private static long number(Map<String, String> options, String name) {
    return Long.parseLong(options.get(name));
  }

  private static void serve(String[] arguments) throws Exception {
    // Standard output belongs to the answers, whatever a library prints.
    PrintStream out = System.out;
    System.setOut(System.err);
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      options.put(arguments[i].replaceFirst("^--", ""), arguments[i + 1]);
    }
    Job job = jobNamed(options, out);
    FlinkPeer flink = new FlinkPeer();
    if (job instanceof ColdStart) {
      job.round(flink);
      return;
    }
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    while (lines.readLine() != null) {
      Watch whole = new Watch();
      Answer answer = job.round(flink);
      whole.stop();
      Watch watch = answer.watch == null ? whole : answer.watch;
      out.printf(
          Locale.ROOT,
          "{\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"records\":%d,\"checksum\":\"%s\","
              + "\"peakRssMb\":%.1f%s}%n",
          watch.seconds,
          watch.cpuSeconds,
          answer.records,
          answer.checksum,
          peakRssMb(),
          answer.more);
      out.flush();
    }
  }

  /** Ends the JVM in any case: the threads of the cluster would keep it alive. */
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
