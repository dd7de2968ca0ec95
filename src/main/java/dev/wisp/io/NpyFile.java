package dev.wisp.io;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** NumPy's npy files: one array, or one pickled dictionary of arrays. */
public final class NpyFile {
  private static final long LONGEST_PICKLE = 1L << 30;

  private NpyFile() {}

  /**
   * Reads an array of numbers or booleans: versions 1 to 3, either byte order, C or Fortran order.
   *
   * @throws dev.wisp.common.WispException for a missing, truncated or damaged file, and for one
   *     that holds Python objects
   */
  public static NpyArray read(Path file) {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      NpyHeader header = NpyHeader.read(in::readNBytes);
      byte[] data = NpyArray.data(header, in::readNBytes, Files.size(file) - header.length());
      return NpyArray.of(file, String.valueOf(file.getFileName()), header, data);
    } catch (Pickles.PickleException e) {
      throw FileErrors.of(file, FileErrors.reason(e), e);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  /**
   * Reads an object array that holds one dictionary from names to arrays, as {@code np.save(file,
   * dictionary)} writes it. The pickle inside may make NumPy arrays and nothing else.
   *
   * @return the arrays by name, in the file's order
   * @throws dev.wisp.common.WispException for a missing or damaged file, and for one that asks for
   *     anything but arrays
   */
  public static Map<String, NpyArray> readDictionary(Path file) {
    try {
      if (Files.size(file) > LONGEST_PICKLE) {
        throw new Pickles.PickleException("a pickle of more than 1 GiB");
      }
      byte[] all = Files.readAllBytes(file);
      PickleInput in =
          new PickleInput(
              (position, into) -> into.put(all, (int) position, into.remaining()), 0, all.length);
      NpyHeader header = NpyHeader.read(in::bytes);
      if (header.type() != null) {
        throw new Pickles.PickleException("holds numbers where a pickled dictionary is expected");
      }
      Object root = Unpickler.read(in, new NumpyPickle(file));
      return dictionary(NumpyPickle.onlyItem(root));
    } catch (Pickles.PickleException e) {
      throw FileErrors.of(file, FileErrors.reason(e), e);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  private static Map<String, NpyArray> dictionary(Object value) throws IOException {
    if (!(value instanceof Map<?, ?> map)) {
      throw new Pickles.PickleException("holds no dictionary");
    }
    Map<String, NpyArray> arrays = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      if (!(entry.getKey() instanceof String name)
          || !(entry.getValue() instanceof NumpyPickle.Array array)) {
        throw new Pickles.PickleException("its dictionary does not go from names to arrays");
      }
      arrays.put(name, array.value());
    }
    return arrays;
  }

  /** Writes an array of F32, F64, I32, I64, U8 or BOOL, whole or not at all. */
  public static void write(Path file, TensorEntry array) {
    AtomicFiles.write(
        file,
        out -> {
          out.write(NpyHeader.of(array));
          array.writeTo(out);
        });
  }
}
