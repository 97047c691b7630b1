package millrace.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** The record of bids, and how it is drawn from its number: bench/jobs/bids.ts. */
public final class Bid {
  static final TypeInformation<Bid> TYPE = new RecordType<>(Bid.class, new Serializer());

  private static final int AUCTIONS = 1000;
  private static final int FIRST_AUCTION = 1000;
  private static final long BASE_TIME = 1_735_689_600_000L;
  private static final int TEXT_LENGTH = 1 << 20;
  private static final int TEXT_LENGTH_MIN = 20;
  private static final int TEXT_LENGTH_SPAN = 61;
  private static final String TEXT = makeText();

  int auction;
  int bidder;
  int price;
  double dateTime;
  String channel;
  String url;
  String extra;

  private static int mix(int z) {
    z ^= z >>> 16;
    z *= 0x21f0aaad;
    z ^= z >>> 15;
    z *= 0x735a2d97;
    return z ^ (z >>> 15);
  }

  private static String makeText() {
    byte[] bytes = new byte[TEXT_LENGTH];
    for (int i = 0; i < TEXT_LENGTH; i += 1) {
      bytes[i] = (byte) (97 + Integer.remainderUnsigned(mix(i + 0x7465), 26));
    }
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String text(int i, int field) {
    int bits = mix(i * 3 + field + 0x74657874);
    int length = TEXT_LENGTH_MIN + Integer.remainderUnsigned(bits, TEXT_LENGTH_SPAN);
    int offset = (bits >>> 6) % (TEXT_LENGTH - TEXT_LENGTH_MIN - TEXT_LENGTH_SPAN);
    return TEXT.substring(offset, offset + length);
  }

  static Bid number(int i) {
    Bid bid = new Bid();
    bid.auction = FIRST_AUCTION + Integer.remainderUnsigned(i * 0x9E3779B1, AUCTIONS);
    bid.bidder = Integer.remainderUnsigned(mix(i ^ 0x62696464), 100_000);
    bid.price = 100 + Integer.remainderUnsigned(mix(i ^ 0x70726963), 1_000_000);
    bid.dateTime = BASE_TIME + i / 100;
    bid.channel = text(i, 0);
    bid.url = text(i, 1);
    bid.extra = text(i, 2);
    return bid;
  }

  /** What the sink learns of the strings. */
  int foldTexts() {
    return channel.length()
        + channel.charAt(0)
        + url.length()
        + url.charAt(0)
        + extra.length()
        + extra.charAt(0);
  }

  private static final class Serializer extends RecordSerializer<Bid> {
    @Override
    public Bid createInstance() {
      return new Bid();
    }

    @Override
    public Bid copy(Bid from, Bid to) {
      to.auction = from.auction;
      to.bidder = from.bidder;
      to.price = from.price;
      to.dateTime = from.dateTime;
      to.channel = from.channel;
      to.url = from.url;
      to.extra = from.extra;
      return to;
    }

    @Override
    public void serialize(Bid bid, DataOutputView target) throws IOException {
      target.writeInt(bid.auction);
      target.writeInt(bid.bidder);
      target.writeInt(bid.price);
      target.writeDouble(bid.dateTime);
      writeText(bid.channel, target);
      writeText(bid.url, target);
      writeText(bid.extra, target);
    }

    @Override
    public Bid deserialize(Bid bid, DataInputView source) throws IOException {
      bid.auction = source.readInt();
      bid.bidder = source.readInt();
      bid.price = source.readInt();
      bid.dateTime = source.readDouble();
      bid.channel = readText(source);
      bid.url = readText(source);
      bid.extra = readText(source);
      return bid;
    }
  }
}
