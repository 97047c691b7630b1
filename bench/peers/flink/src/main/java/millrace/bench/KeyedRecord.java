package millrace.bench;

import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** The record of J2x. */
public final class KeyedRecord {
  static final TypeInformation<KeyedRecord> TYPE =
      new RecordType<>(KeyedRecord.class, new Serializer());

  int key;
  int value;
  double ts;

  static KeyedRecord of(int key, int value, double ts) {
    KeyedRecord record = new KeyedRecord();
    record.key = key;
    record.value = value;
    record.ts = ts;
    return record;
  }

  private static final class Serializer extends RecordSerializer<KeyedRecord> {
    @Override
    public KeyedRecord createInstance() {
      return new KeyedRecord();
    }

    @Override
    public KeyedRecord copy(KeyedRecord from, KeyedRecord to) {
      to.key = from.key;
      to.value = from.value;
      to.ts = from.ts;
      return to;
    }

    @Override
    public void serialize(KeyedRecord record, DataOutputView target) throws IOException {
      target.writeInt(record.key);
      target.writeInt(record.value);
      target.writeDouble(record.ts);
    }

    @Override
    public KeyedRecord deserialize(KeyedRecord record, DataInputView source) throws IOException {
      record.key = source.readInt();
      record.value = source.readInt();
      record.ts = source.readDouble();
      return record;
    }
  }
}
