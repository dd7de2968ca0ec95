package dev.wisp.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;

/** NumPy's npz: a zip of npy arrays, stored or deflated. */
public final class NpzFile extends NamedTensors<NpzFile.Entry> {
  /** The best that deflate can do: an entry that claims more is damaged. */
  private static final long BEST_RATIO = 1032;

  /** One date for all entries, so that equal arrays make equal files. */
  private static final LocalDateTime EPOCH = LocalDateTime.of(1980, 1, 1, 0, 0);

  private static final String ENDING = ".npy";

  /** An array in the zip. */
  record Entry(ZipEntry zip, NpyHeader header, ElementType type) {}

  private final ZipFile zip;
  private final AtomicBoolean closed = new AtomicBoolean();

  private NpzFile(Path path, ZipFile zip, Map<String, Entry> entries) {
    super(path, entries);
    this.zip = zip;
  }

  /**
   * Opens a file and reads the headers of its arrays.
   *
   * @throws dev.wisp.common.WispException for a missing, truncated or damaged file
   */
  public static NpzFile open(Path path) {
    ZipFile zip = null;
    try {
      if (!Files.isRegularFile(path)) {
        throw FileErrors.of(path, "cannot read: no such file");
      }
      zip = new ZipFile(path.toFile());
      Map<String, Entry> entries = new LinkedHashMap<>();
      for (ZipEntry entry : zip.stream().toList()) {
        String name = entry.getName();
        if (!name.endsWith(ENDING)) {
          throw new Pickles.PickleException("not an npz file: it holds '" + name + "'");
        }
        NpyHeader header;
        try (InputStream in = zip.getInputStream(entry)) {
          header = NpyHeader.read(in::readNBytes);
        }
        String array = name.substring(0, name.length() - ENDING.length());
        ElementType type = header.type();
        if (type == null) {
          throw new Pickles.PickleException("array '" + array + "' holds Python objects");
        }
        entries.put(array, new Entry(entry, header, type));
      }
      NpzFile file = new NpzFile(path, zip, entries);
      zip = null;
      return file;
    } catch (Pickles.PickleException e) {
      throw FileErrors.of(path, FileErrors.reason(e), e);
    } catch (ZipException | IllegalArgumentException e) {
      throw FileErrors.of(path, "truncated or damaged zip file: " + e.getMessage(), e);
    } catch (IOException e) {
      throw FileErrors.reading(path, e);
    } finally {
      closeQuietly(zip);
    }
  }

  private static void closeQuietly(@Nullable ZipFile zip) {
    if (zip != null) {
      try {
        zip.close();
      } catch (IOException e) {
        // Closing a file that was only read loses nothing.
      }
    }
  }

  /**
   * Writes arrays of F32, F64, I32, I64, U8 or BOOL, whole or not at all. Equal arrays give equal
   * bytes.
   *
   * @param deflated true compresses (as {@code np.savez_compressed}), false stores
   * @throws IllegalArgumentException when two entries have the same name
   */
  public static void write(Path path, List<TensorEntry> arrays, boolean deflated) {
    Set<String> names = new HashSet<>();
    for (TensorEntry array : arrays) {
      if (!names.add(array.name())) {
        throw new IllegalArgumentException("npz: the name '" + array.name() + "' is taken");
      }
    }
    AtomicFiles.write(path, out -> writeZip(out, arrays, deflated));
  }

  private static void writeZip(OutputStream out, List<TensorEntry> arrays, boolean deflated)
      throws IOException {
    // Not closed: the stream belongs to AtomicFiles, which syncs it first.
    ZipOutputStream zip = new ZipOutputStream(out);
    for (TensorEntry array : arrays) {
      byte[] header = NpyHeader.of(array);
      ZipEntry entry = new ZipEntry(array.name() + ENDING);
      entry.setTimeLocal(EPOCH);
      if (!deflated) {
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(header.length + array.bytes());
        entry.setCrc(checksum(header, array));
      }
      zip.putNextEntry(entry);
      zip.write(header);
      array.writeTo(zip);
    }
    zip.finish();
  }

  /** What a stored entry has to tell before its content. */
  private static long checksum(byte[] header, TensorEntry array) throws IOException {
    CRC32 crc = new CRC32();
    OutputStream checked = new CheckedOutputStream(OutputStream.nullOutputStream(), crc);
    checked.write(header);
    array.writeTo(checked);
    return crc.getValue();
  }

  @Override
  public ElementType type(String name) {
    return entry(name).type();
  }

  @Override
  public long[] shape(String name) {
    return entry(name).header().shape().clone();
  }

  /** Idempotent. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      closeQuietly(zip);
    }
  }

  @Override
  NpyArray values(String name) {
    if (closed.get()) {
      throw new IllegalStateException("npz file is closed: " + path);
    }
    Entry entry = entry(name);
    try (InputStream in = zip.getInputStream(entry.zip())) {
      in.skipNBytes(entry.header().length());
      long available = (1 + entry.zip().getCompressedSize()) * BEST_RATIO;
      byte[] data = NpyArray.data(entry.header(), in::readNBytes, available);
      return NpyArray.of(path, name, entry.header(), data);
    } catch (IOException e) {
      throw FileErrors.of(path, "array '" + name + "' cannot be read: " + FileErrors.reason(e), e);
    }
  }
}
