package millrace.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.enumerate.FileEnumerator;
import org.apache.flink.connector.file.src.reader.StreamFormat;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.Path;

/**
 * Flink's FileSource over the lines of a text file. Flink's own TextLineInputFormat reads a file in
 * one piece, by one reader; this format can be split, and the enumerator cuts the file into pieces
 * that the two readers ask for, so that both of them read. A line belongs to the piece in which it
 * begins.
 */
final class TextLines implements StreamFormat<String> {
  private static final long PIECE_BYTES = 8 << 20;

  static FileSource<String> source(String file) {
    return FileSource.forRecordStreamFormat(new TextLines(), new Path(file))
        .setFileEnumerator(Pieces::new)
        .build();
  }

  private static final class Pieces implements FileEnumerator {
    @Override
    public Collection<FileSourceSplit> enumerateSplits(Path[] paths, int splitsMin)
        throws IOException {
      List<FileSourceSplit> pieces = new ArrayList<>();
      for (Path path : paths) {
        var status = path.getFileSystem().getFileStatus(path);
        long size = status.getLen();
        for (long at = 0; at < size; at += PIECE_BYTES) {
          pieces.add(
              new FileSourceSplit(
                  path + "@" + at,
                  path,
                  at,
                  Math.min(PIECE_BYTES, size - at),
                  status.getModificationTime(),
                  size));
        }
      }
      return pieces;
    }
  }

  @Override
  public boolean isSplittable() {
    return true;
  }

  @Override
  public TypeInformation<String> getProducedType() {
    return Types.STRING;
  }

  @Override
  public Reader<String> createReader(
      Configuration config, FSDataInputStream stream, long fileLength, long pieceEnd)
      throws IOException {
    long begin = stream.getPos();
    if (begin == 0) return new LineReader(stream, 0, pieceEnd);
    // The line that the byte before the piece belongs to is the other reader's.
    stream.seek(begin - 1);
    LineReader reader = new LineReader(stream, begin - 1, pieceEnd);
    reader.read();
    return reader;
  }

  @Override
  public Reader<String> restoreReader(
      Configuration config,
      FSDataInputStream stream,
      long restoredOffset,
      long fileLength,
      long pieceEnd) {
    throw new UnsupportedOperationException("checkpoints are off");
  }

  private static final class LineReader implements StreamFormat.Reader<String> {
    private final FSDataInputStream stream;
    private final long pieceEnd;
    private byte[] buffer = new byte[1 << 16];
    private int from = 0;
    private int to = 0;
    /** Where in the file `buffer[from]` is. */
    private long position;

    LineReader(FSDataInputStream stream, long position, long pieceEnd) {
      this.stream = stream;
      this.position = position;
      this.pieceEnd = pieceEnd;
    }

    @Override
    public String read() throws IOException {
      if (position >= pieceEnd) return null;
      int at = from;
      for (; ; ) {
        while (at < to && buffer[at] != '\n') at += 1;
        if (at < to) break;
        int searched = at - from;
        if (!fill()) break;
        at = from + searched;
      }
      if (from == to) return null;
      String line = new String(buffer, from, at - from, StandardCharsets.UTF_8);
      int taken = Math.min(at + 1, to) - from;
      from += taken;
      position += taken;
      return line;
    }

    /** Reads more behind what is left; false at the end of the file. */
    private boolean fill() throws IOException {
      if (from > 0) {
        System.arraycopy(buffer, from, buffer, 0, to - from);
        to -= from;
        from = 0;
      }
      if (to == buffer.length) buffer = Arrays.copyOf(buffer, 2 * buffer.length);
      int read = stream.read(buffer, to, buffer.length - to);
      if (read <= 0) return false;
      to += read;
      return true;
    }

    @Override
    public void close() throws IOException {
      stream.close();
    }
  }
}
