package millrace.bench;

import millrace.bench.CountAndSum.Update;
import millrace.bench.FlinkPeer.Answer;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;

/** bids: bench/jobs/bids.ts. */
final class Bids implements FlinkPeer.Job {
  private final long records;

  Bids(long records) {
    this.records = records;
  }

  private static final class BidCount extends CountAndSum<Bid> {
    @Override
    public void processElement(Bid bid, Context context, Collector<Update> out) throws Exception {
      Update update = add(bid.auction, bid.price);
      update.texts = bid.foldTexts();
      out.collect(update);
    }
  }

  private void build(StreamExecutionEnvironment environment) {
    environment
        .fromSource(
            new RangeSource<>(records, (i, n) -> Bid.number((int) i)),
            WatermarkStrategy.noWatermarks(),
            "make",
            Bid.TYPE)
        .keyBy(bid -> bid.auction, Types.INT)
        .process(new BidCount(), TypeInformation.of(Update.class))
        .sinkTo(new TotalSink());
  }

  @Override
  public Answer round(FlinkPeer flink) throws Exception {
    TotalSink.reset();
    flink.run(this::build);
    return new Answer(
        TotalSink.UPDATES.get(),
        TotalSink.UPDATES + "/" + TotalSink.COUNTS + "/" + TotalSink.TEXTS);
  }
}
