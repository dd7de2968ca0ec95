package dev.wisp.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Builds checkpoints in both of torch.save's forms. */
final class TorchFixture {
  private record Storage(String type, int size, byte[] bytes) {
    int elements() {
      return bytes.length / size;
    }
  }

  private record Tensor(String name, String key, long offset, long[] shape, long[] stride) {}

  private final Map<String, Storage> storages = new LinkedHashMap<>();
  private final List<Tensor> tensors = new ArrayList<>();
  private boolean parameters;
  private String nestedUnder = "";
  private boolean python2;

  TorchFixture storage(String key, String type, int elementSize, byte[] bytes) {
    storages.put(key, new Storage(type, elementSize, bytes));
    return this;
  }

  TorchFixture floats(String key, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return storage(key, "FloatStorage", 4, bytes.array());
  }

  TorchFixture tensor(String name, String key, long offset, long[] shape, long[] stride) {
    tensors.add(new Tensor(name, key, offset, shape, stride));
    return this;
  }

  /** Wraps every tensor as a Parameter. */
  TorchFixture asParameters() {
    parameters = true;
    return this;
  }

  /** Puts the state dict under a key of a plain dictionary, beside a number. */
  TorchFixture nestedUnder(String key) {
    nestedUnder = key;
    return this;
  }

  /** Strings and the OrderedDict as Python 2 stores them. */
  TorchFixture asPython2() {
    python2 = true;
    return this;
  }

  byte[] pickle(boolean legacy) {
    PickleWriter out = new PickleWriter();
    if (!nestedUnder.isEmpty()) {
      out.raw('}').raw('(').string("epoch").integer(3).string(nestedUnder);
    }
    if (python2) {
      out.global("collections", "OrderedDict").raw(']').raw('(');
    } else {
      out.global("collections", "OrderedDict").raw(')').raw('R').memo(0).raw('(');
    }
    for (Tensor tensor : tensors) {
      if (python2) {
        out.raw(']', '(').shortString(tensor.name());
      } else {
        out.string(tensor.name());
      }
      if (parameters) {
        out.global("torch._utils", "_rebuild_parameter").raw('(');
      }
      tensor(out, tensor, legacy);
      if (parameters) {
        out.raw(0x89).global("collections", "OrderedDict").raw(')', 'R', 't', 'R');
      }
      if (python2) {
        out.raw('e');
      }
    }
    if (python2) {
      out.raw('e', 0x85, 'R');
    } else {
      // The state that nn.Module.state_dict leaves on the OrderedDict.
      out.raw('u', '}').string("_metadata").global("collections", "OrderedDict");
      out.raw(')', 'R', 's', 'b');
    }
    if (!nestedUnder.isEmpty()) {
      out.raw('u');
    }
    return out.end();
  }

  private void tensor(PickleWriter out, Tensor tensor, boolean legacy) {
    Storage storage = Objects.requireNonNull(storages.get(tensor.key()));
    out.global("torch._utils", "_rebuild_tensor_v2").raw('(');
    out.raw('(').string("storage").global("torch", storage.type()).string(tensor.key());
    out.string("cpu").integer(storage.elements());
    if (legacy) {
      out.raw('N');
    }
    out.raw('t', 'Q').integer(tensor.offset());
    out.sizes(tensor.shape()).sizes(tensor.stride()).raw(0x89);
    out.global("collections", "OrderedDict").raw(')', 'R', 't', 'R');
  }

  Path zip(Path file, boolean deflated) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("archive/data.pkl", pickle(false));
    entries.put("archive/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
    storages.forEach((key, storage) -> entries.put("archive/data/" + key, storage.bytes()));
    entries.put("archive/version", "3\n".getBytes(StandardCharsets.US_ASCII));
    return zip(file, entries, deflated);
  }

  static Path zip(Path file, Map<String, byte[]> entries, boolean deflated) throws IOException {
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, byte[]> e : entries.entrySet()) {
        ZipEntry entry = new ZipEntry(e.getKey());
        if (!deflated) {
          CRC32 crc = new CRC32();
          crc.update(e.getValue());
          entry.setMethod(ZipEntry.STORED);
          entry.setSize(e.getValue().length);
          entry.setCrc(crc.getValue());
        }
        zip.putNextEntry(entry);
        zip.write(e.getValue());
      }
    }
    return file;
  }

  Path legacy(Path file) throws IOException {
    return Files.write(file, legacyBytes(pickle(true)));
  }

  byte[] legacyBytes(byte[] object) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new PickleWriter().big(new BigInteger("1950a86a20f9469cfc6c", 16)).end());
    out.writeBytes(new PickleWriter().integer(1001).end());
    PickleWriter facts = new PickleWriter().raw('}', '(');
    facts.string("protocol_version").integer(1001).string("little_endian").raw(0x88);
    facts.string("type_sizes").raw('}', '(').string("short").integer(2).raw('u', 'u');
    out.writeBytes(facts.end());
    out.writeBytes(object);
    PickleWriter keys = new PickleWriter().raw(']', '(');
    storages.keySet().forEach(keys::string);
    out.writeBytes(keys.raw('e').end());
    for (Storage storage : storages.values()) {
      out.writeBytes(
          ByteBuffer.allocate(8)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(storage.elements())
              .array());
      out.writeBytes(storage.bytes());
    }
    return out.toByteArray();
  }
}
