package dev.wisp.io;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/** torch.save's zip form: NAME/data.pkl, NAME/data/KEY for each storage, NAME/byteorder. */
final class TorchZip implements TorchFile.Storages {
  private static final int LONGEST_PICKLE = 1 << 28;

  private final ZipFile zip;
  private final String prefix;
  private final ByteOrder order;

  private TorchZip(ZipFile zip, String prefix, ByteOrder order) {
    this.zip = zip;
    this.prefix = prefix;
    this.order = order;
  }

  static boolean isZip(Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      byte[] start = in.readNBytes(4);
      return start.length == 4 && start[0] == 'P' && start[1] == 'K' && start[2] == 3;
    }
  }

  static TorchFile open(Path path) throws IOException {
    ZipFile zip = null;
    try {
      zip = new ZipFile(path.toFile());
      TorchFile file = open(path, zip);
      zip = null;
      return file;
    } catch (ZipException | IllegalArgumentException e) {
      throw new Pickles.PickleException("truncated or damaged zip file: " + e.getMessage());
    } finally {
      if (zip != null) {
        zip.close();
      }
    }
  }

  private static TorchFile open(Path path, ZipFile zip) throws IOException {
    ZipEntry pickle =
        zip.stream().filter(e -> e.getName().endsWith("/data.pkl")).findFirst().orElse(null);
    if (pickle == null) {
      throw new Pickles.PickleException("not a PyTorch checkpoint: the zip has no data.pkl");
    }
    String prefix = pickle.getName().substring(0, pickle.getName().length() - "data.pkl".length());
    byte[] bytes = read(zip, pickle, 0, LONGEST_PICKLE, true);
    PickleInput in =
        new PickleInput(
            (position, into) -> into.put(bytes, (int) position, into.remaining()), 0, bytes.length);
    TorchPickle maker = new TorchPickle();
    Object root = Unpickler.read(in, maker);
    ZipEntry order = zip.getEntry(prefix + "byteorder");
    boolean little =
        order == null
            || !new String(read(zip, order, 0, 16, true), StandardCharsets.US_ASCII)
                .strip()
                .equals("big");
    TorchZip storages = new TorchZip(zip, prefix, TorchFile.order(little));
    for (TorchPickle.Storage storage : maker.storages.values()) {
      long needed = Math.multiplyExact(storage.size(), storage.type().bytes());
      if (storages.entry(storage.key()).getSize() < needed) {
        throw new Pickles.PickleException("storage '" + storage.key() + "' is not whole");
      }
    }
    return TorchFile.of(path, root, storages);
  }

  @Override
  public ByteBuffer read(String key, long position, int length) throws IOException {
    return ByteBuffer.wrap(read(zip, entry(key), position, length, false)).order(order);
  }

  private ZipEntry entry(String key) throws IOException {
    ZipEntry entry = zip.getEntry(prefix + "data/" + key);
    if (entry == null) {
      throw new Pickles.PickleException("storage '" + key + "' is missing in the zip");
    }
    return entry;
  }

  /** Reads from an entry; grows with what is there, not with what the entry claims. */
  private static byte[] read(ZipFile zip, ZipEntry entry, long position, int length, boolean upTo)
      throws IOException {
    try (InputStream in = zip.getInputStream(entry)) {
      in.skipNBytes(position);
      byte[] bytes = in.readNBytes(length);
      if (upTo ? in.read() >= 0 : bytes.length < length) {
        throw upTo
            ? new Pickles.PickleException(entry.getName() + " is larger than any checkpoint's")
            : new EOFException();
      }
      return bytes;
    }
  }

  @Override
  public void close() {
    try {
      zip.close();
    } catch (IOException e) {
      // Closing a file that was only read loses nothing.
    }
  }
}
