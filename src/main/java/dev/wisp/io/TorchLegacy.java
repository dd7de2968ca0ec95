package dev.wisp.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * torch.save's form before 1.6: pickles of a magic number, a protocol number, facts about the
 * machine, the object and the list of storage keys; then each storage as its number of elements (64
 * bits) and its bytes.
 */
final class TorchLegacy implements TorchFile.Storages {
  private static final long PROTOCOL = 1001;

  private final FileChannel channel;
  private final Map<String, Long> starts;
  private final ByteOrder order;

  private TorchLegacy(FileChannel channel, Map<String, Long> starts, ByteOrder order) {
    this.channel = channel;
    this.starts = starts;
    this.order = order;
  }

  static TorchFile open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      TorchFile file = open(path, channel);
      channel = null;
      return file;
    } finally {
      Safetensors.closeQuietly(channel);
    }
  }

  private static TorchFile open(Path path, FileChannel channel) throws IOException {
    Elements.Source source = (position, into) -> Safetensors.readFully(channel, position, into);
    if (channel.size() == 0) {
      throw new Pickles.PickleException("empty file");
    }
    if (new PickleInput(source, 0, channel.size()).u1() != 0x80) {
      throw new Pickles.PickleException(
          "neither safetensors nor a PyTorch checkpoint (neither a zip nor a pickle)");
    }
    PickleInput in = new PickleInput(source, 0, channel.size());
    TorchPickle maker = new TorchPickle();
    if (!TorchPickle.isMagic(Unpickler.read(in, maker))) {
      throw new Pickles.PickleException("a pickle, but not a PyTorch checkpoint");
    }
    if (!Long.valueOf(PROTOCOL).equals(Unpickler.read(in, maker))) {
      throw new Pickles.PickleException("a PyTorch checkpoint of an unknown protocol");
    }
    Object machine = Unpickler.read(in, maker);
    boolean little =
        !(machine instanceof Map<?, ?> facts && Boolean.FALSE.equals(facts.get("little_endian")));
    Object root = Unpickler.read(in, maker);
    Object keys = Unpickler.read(in, maker);
    if (!(keys instanceof List<?> list)) {
      throw new Pickles.PickleException("malformed checkpoint: the list of storages is missing");
    }
    Map<String, Long> starts = starts(channel, in.position(), list, maker, little);
    return TorchFile.of(path, root, new TorchLegacy(channel, starts, TorchFile.order(little)));
  }

  private static Map<String, Long> starts(
      FileChannel channel, long begin, List<?> keys, TorchPickle maker, boolean little)
      throws IOException {
    Map<String, Long> starts = new HashMap<>();
    long at = begin;
    ByteBuffer count = ByteBuffer.allocate(8).order(TorchFile.order(little));
    for (Object key : keys) {
      TorchPickle.Storage storage = maker.storages.get(String.valueOf(key));
      if (storage == null || !(key instanceof String || key instanceof Long)) {
        throw new Pickles.PickleException("malformed checkpoint: a storage that nothing uses");
      }
      try {
        Safetensors.readFully(channel, at, count.clear());
      } catch (EOFException e) {
        throw new Pickles.PickleException("truncated: storage '" + storage.key() + "' is missing");
      }
      if (count.getLong(0) != storage.size()) {
        throw new Pickles.PickleException(
            "malformed checkpoint: storage '" + storage.key() + "' has another size than promised");
      }
      long bytes = Math.multiplyExact(storage.size(), storage.type().bytes());
      if (bytes > channel.size() - at - 8) {
        throw new Pickles.PickleException(
            "truncated: storage '" + storage.key() + "' is not whole");
      }
      starts.put(storage.key(), at + 8);
      at += 8 + bytes;
    }
    for (String key : maker.storages.keySet()) {
      if (!starts.containsKey(key)) {
        throw new Pickles.PickleException("malformed checkpoint: storage '" + key + "' is missing");
      }
    }
    return starts;
  }

  @Override
  public ByteBuffer read(String key, long position, int length) throws IOException {
    Long start = starts.get(key);
    if (start == null) {
      throw new Pickles.PickleException("storage '" + key + "' is missing");
    }
    ByteBuffer bytes = ByteBuffer.allocate(length);
    Safetensors.readFully(channel, start + position, bytes);
    return bytes.flip().order(order);
  }

  @Override
  public void close() {
    Safetensors.closeQuietly(channel);
  }
}
