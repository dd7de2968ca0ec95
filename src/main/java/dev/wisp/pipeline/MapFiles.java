package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.data.Sample;
import dev.wisp.io.FileErrors;
import dev.wisp.io.FloatSource;
import dev.wisp.io.NpzFile;
import dev.wisp.io.TensorEntry;
import dev.wisp.io.TensorFile;
import dev.wisp.method.Localization;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/** Localisation maps of one image in a file: float arrays whose names are class ids. */
final class MapFiles {
  static final String ENDING = ".npz";

  private MapFiles() {}

  /**
   * Writes maps.
   *
   * @param ids class ids, 0 first
   * @param map opens the values of the i-th class when they are written
   */
  static void write(Path file, int[] ids, int height, int width, IntFunction<FloatSource> map) {
    List<TensorEntry> entries = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      int index = i;
      entries.add(
          TensorEntry.ofPieces(
              Integer.toString(ids[i]), new long[] {height, width}, () -> map.apply(index)));
    }
    NpzFile.write(file, entries, false);
  }

  /** Class ids of a file's maps, ascending. */
  static int[] ids(TensorFile file) {
    return file.names().stream().mapToInt(Integer::parseInt).sorted().toArray();
  }

  /**
   * Checks that maps can be read from a folder.
   *
   * @throws WispException that says where maps come from, if it is missing
   */
  static void requireFolder(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw FileErrors.of(folder, "no such folder; make maps with: wisp label");
    }
  }

  /** A sample's file. */
  static Path of(Path folder, Sample sample) {
    return folder.resolve(sample.id() + ENDING);
  }

  /**
   * All maps of an image.
   *
   * @throws WispException naming the file if it is missing, damaged, without a background or of
   *     another size than the image
   */
  static Localization read(Path folder, Sample sample, int height, int width) {
    Path path = of(folder, sample);
    if (!Files.isRegularFile(path)) {
      throw FileErrors.of(
          path, "no maps of image '%s'; make them with: wisp label".formatted(sample.id()));
    }
    try (TensorFile file = open(path)) {
      int[] ids = ids(file);
      if (ids.length == 0 || ids[0] != 0) {
        throw FileErrors.of(path, "holds no map of the background, class 0");
      }
      float[] maps = new float[Math.multiplyExact(ids.length, height * width)];
      for (int k = 0; k < ids.length; k++) {
        String name = Integer.toString(ids[k]);
        long[] shape = file.shape(name);
        if (!Arrays.equals(shape, new long[] {height, width})) {
          throw FileErrors.of(
              path,
              "map %s is %s, the image is %dx%d"
                  .formatted(name, Arrays.toString(shape), height, width));
        }
        System.arraycopy(file.floats(name), 0, maps, k * height * width, height * width);
      }
      return new Localization(ids, height, width, maps);
    } catch (NumberFormatException foreign) {
      throw FileErrors.of(path, "holds an array whose name is no class id");
    }
  }

  /** Opens a file that {@link #write} wrote. */
  static TensorFile open(Path file) {
    return NpzFile.open(file);
  }
}
