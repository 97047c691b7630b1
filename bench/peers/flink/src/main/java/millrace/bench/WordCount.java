package millrace.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import millrace.bench.FlinkPeer.Answer;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * wordcount: bench/jobs/wordcount.ts. Every word crosses to the subtask that owns it; a timer at the
 * end of time emits each word once, with its final count.
 */
final class WordCount implements FlinkPeer.Job {
  private static final Map<String, Long> COUNTS = new ConcurrentHashMap<>();

  private final String file;

  WordCount(String file) {
    this.file = file;
  }

  /** A word is a maximal run of letters and numbers of any script, in lower case. */
  private static final class Words implements FlatMapFunction<String, String> {
    private static final int WORD_CATEGORIES =
        1 << Character.UPPERCASE_LETTER
            | 1 << Character.LOWERCASE_LETTER
            | 1 << Character.TITLECASE_LETTER
            | 1 << Character.MODIFIER_LETTER
            | 1 << Character.OTHER_LETTER
            | 1 << Character.DECIMAL_DIGIT_NUMBER
            | 1 << Character.LETTER_NUMBER
            | 1 << Character.OTHER_NUMBER;

    private static final boolean[] ASCII = new boolean[128];

    static {
      for (int point = 0; point < 128; point += 1) ASCII[point] = isWordPart(point);
    }

    private static boolean isWordPart(int point) {
      return (WORD_CATEGORIES >>> Character.getType(point) & 1) != 0;
    }

    @Override
    public void flatMap(String line, Collector<String> out) {
      int begin = -1;
      for (int at = 0; at < line.length(); ) {
        int point = line.charAt(at);
        boolean isPart;
        if (point < 128) {
          isPart = ASCII[point];
        } else {
          point = line.codePointAt(at);
          isPart = isWordPart(point);
        }
        if (isPart) {
          if (begin < 0) begin = at;
        } else if (begin >= 0) {
          out.collect(line.substring(begin, at).toLowerCase(Locale.ROOT));
          begin = -1;
        }
        at += Character.charCount(point);
      }
      if (begin >= 0) out.collect(line.substring(begin).toLowerCase(Locale.ROOT));
    }
  }

  private static final class WordSerializer extends RecordSerializer<String> {
    @Override
    public String createInstance() {
      return "";
    }

    @Override
    public boolean isImmutableType() {
      return true;
    }

    @Override
    public String copy(String from, String to) {
      return from;
    }

    @Override
    public void serialize(String word, DataOutputView target) throws IOException {
      writeText(word, target);
    }

    @Override
    public String deserialize(String reuse, DataInputView source) throws IOException {
      return readText(source);
    }
  }

  public static final class Counter {
    public long words;
  }

  private static final class FinalCount
      extends KeyedProcessFunction<String, String, Tuple2<String, Long>> {
    private transient ValueState<Counter> count;

    @Override
    public void open(OpenContext context) {
      count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Counter.class));
    }

    @Override
    public void processElement(String word, Context context, Collector<Tuple2<String, Long>> out)
        throws Exception {
      Counter counted = count.value();
      if (counted == null) {
        context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
        counted = new Counter();
      }
      counted.words += 1;
      count.update(counted);
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Tuple2<String, Long>> out)
        throws Exception {
      out.collect(Tuple2.of(context.getCurrentKey(), count.value().words));
    }
  }

  private static final class CountSink implements Sink<Tuple2<String, Long>> {
    @Override
    public SinkWriter<Tuple2<String, Long>> createWriter(WriterInitContext context) {
      return new SinkWriter<>() {
        @Override
        public void write(Tuple2<String, Long> count, Context context) {
          if (COUNTS.put(count.f0, count.f1) != null) {
            throw new IllegalStateException("a word came twice: " + count.f0);
          }
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {}
      };
    }
  }

  private void build(StreamExecutionEnvironment environment) {
    environment
        .fromSource(TextLines.source(file), WatermarkStrategy.noWatermarks(), "read")
        .flatMap(new Words())
        .returns(new RecordType<>(String.class, new WordSerializer()))
        .keyBy(word -> word, Types.STRING)
        .process(new FinalCount(), Types.TUPLE(Types.STRING, Types.LONG))
        .sinkTo(new CountSink());
  }

  /** FNV-1a over UTF-16 units, as src/base/hash.ts has it. */
  private static int fnv1a(int hash, String text) {
    for (int i = 0; i < text.length(); i += 1) hash = (hash ^ text.charAt(i)) * 0x01000193;
    return hash;
  }

  @Override
  public Answer round(FlinkPeer flink) throws Exception {
    COUNTS.clear();
    flink.run(this::build);
    long words = 0;
    String[] lines = new String[COUNTS.size()];
    int filled = 0;
    for (Map.Entry<String, Long> entry : COUNTS.entrySet()) {
      words += entry.getValue();
      lines[filled++] = entry.getKey() + " " + entry.getValue();
    }
    Arrays.sort(lines);
    int hash = fnv1a(0x811c9dc5, String.join("\n", lines));
    return new Answer(words, lines.length + "/" + words + "/" + Integer.toUnsignedString(hash));
  }
}
