package dev.wisp.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes a state dict as {@code torch.save} does: a zip of one pickle (protocol 2) that describes
 * the tensors and one stored entry with the elements of each.
 */
public final class TorchWriter {
  private static final String ROOT = "archive/";

  private TorchWriter() {}

  /**
   * Writes a file, whole or not at all. Equal tensors give equal bytes.
   *
   * @param entries F32 or I64 tensors
   * @throws IllegalArgumentException for another element type
   * @throws dev.wisp.common.WispException when the file system refuses
   */
  public static void write(Path file, List<TensorEntry> entries) {
    byte[] pickle = pickle(entries);
    AtomicFiles.write(
        file,
        out -> {
          // Not closed: the stream belongs to AtomicFiles, which syncs it first.
          ZipOutputStream zip = new ZipOutputStream(out);
          store(zip, "data.pkl", pickle);
          store(zip, "byteorder", "little".getBytes(StandardCharsets.US_ASCII));
          for (int i = 0; i < entries.size(); i++) {
            store(zip, "data/" + i, elements(entries.get(i)));
          }
          store(zip, "version", "3\n".getBytes(StandardCharsets.US_ASCII));
          zip.finish();
        });
  }

  private static byte[] elements(TensorEntry entry) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    entry.writeTo(bytes);
    return bytes.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(content);
    ZipEntry entry = new ZipEntry(ROOT + name);
    entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }

  private static byte[] pickle(List<TensorEntry> entries) {
    Pickle out = new Pickle();
    out.op(0x80).op(2); // PROTO 2
    out.emptyOrderedDict().op('(');
    for (int i = 0; i < entries.size(); i++) {
      TensorEntry entry = entries.get(i);
      out.text(entry.name());
      out.global("torch._utils", "_rebuild_tensor_v2").op('(');
      out.op('(').text("storage").global("torch", storage(entry)).text(Integer.toString(i));
      out.text("cpu").number(entry.count()).op('t').op('Q'); // TUPLE, BINPERSID
      out.number(0);
      out.numbers(entry.shape()).numbers(strides(entry.shape()));
      out.op(0x89).emptyOrderedDict(); // NEWFALSE: no gradient; no hooks
      out.op('t').op('R'); // TUPLE, REDUCE
    }
    out.op('u').op('.'); // SETITEMS, STOP
    return out.bytes.toByteArray();
  }

  private static String storage(TensorEntry entry) {
    return switch (entry.type()) {
      case F32 -> "FloatStorage";
      case I64 -> "LongStorage";
      default ->
          throw new IllegalArgumentException(
              "pth: tensor '" + entry.name() + "' holds " + entry.type() + ", not F32 or I64");
    };
  }

  private static long[] strides(long[] shape) {
    long[] strides = new long[shape.length];
    long stride = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      strides[axis] = stride;
      stride *= Math.max(1, shape[axis]);
    }
    return strides;
  }

  /** A pickle under construction. */
  private static final class Pickle {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Pickle op(int code) {
      bytes.write(code);
      return this;
    }

    Pickle emptyOrderedDict() {
      return global("collections", "OrderedDict").op(')').op('R'); // EMPTY_TUPLE, REDUCE
    }

    Pickle global(String module, String name) {
      op('c');
      bytes.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII));
      return this;
    }

    Pickle text(String value) {
      byte[] utf = value.getBytes(StandardCharsets.UTF_8);
      op('X');
      little(utf.length, 4);
      bytes.writeBytes(utf);
      return this;
    }

    Pickle number(long value) {
      if (value >= 0 && value <= Integer.MAX_VALUE) {
        op('J');
        little(value, 4);
      } else {
        op(0x8A).op(8); // LONG1 of eight bytes
        little(value, 8);
      }
      return this;
    }

    Pickle numbers(long[] values) {
      op('(');
      for (long value : values) {
        number(value);
      }
      return op('t');
    }

    private void little(long value, int count) {
      byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
      bytes.write(all, 0, count);
    }
  }
}
