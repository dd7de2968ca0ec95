package dev.wisp.pipeline;

import dev.wisp.io.FloatSource;
import dev.wisp.io.NpzFile;
import dev.wisp.io.TensorEntry;
import dev.wisp.io.TensorFile;
import java.nio.file.Path;
import java.util.ArrayList;
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

  /** Opens a file that {@link #write} wrote. */
  static TensorFile open(Path file) {
    return NpzFile.open(file);
  }
}
