package dev.wisp.data;

import dev.wisp.io.FileErrors;
import dev.wisp.io.NpyArray;
import dev.wisp.io.NpyFile;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Image-level labels from the release's {@code cls_labels_voc.npy}: a pickled dictionary from an
 * image's name to K numbers, 1 where the class is present. Nothing of the pickle is run.
 */
public final class NumpyLabels implements ImageLabels {
  private final Path file;
  private final Map<String, int[]> classes;

  private NumpyLabels(Path file, Map<String, int[]> classes) {
    this.file = file;
    this.classes = classes;
  }

  /**
   * Reads a file.
   *
   * @param classCount K, the length that every entry must have
   * @throws dev.wisp.common.WispException for a damaged file, another number of classes, a value
   *     that is neither 0 nor 1
   */
  public static NumpyLabels read(Path file, int classCount) {
    Map<String, int[]> classes = new LinkedHashMap<>();
    for (Map.Entry<String, NpyArray> entry : NpyFile.readDictionary(file).entrySet()) {
      float[] values = entry.getValue().floats();
      if (values.length != classCount) {
        throw FileErrors.of(
            file,
            "image '%s' has %d values, there are %d classes"
                .formatted(entry.getKey(), values.length, classCount));
      }
      TreeSet<Integer> ids = new TreeSet<>();
      for (int i = 0; i < values.length; i++) {
        if (values[i] != 0 && values[i] != 1) {
          throw FileErrors.of(
              file, "image '" + entry.getKey() + "' has the value " + values[i] + ", not 0 or 1");
        }
        if (values[i] == 1) {
          ids.add(i + 1);
        }
      }
      classes.put(entry.getKey(), ImageLabels.ids(ids));
    }
    return new NumpyLabels(file, classes);
  }

  /** The number of images. */
  public int size() {
    return classes.size();
  }

  @Override
  public int @Nullable [] of(String id) {
    int[] known = classes.get(id);
    return known == null ? null : known.clone();
  }

  @Override
  public String source() {
    return file.toString();
  }
}
