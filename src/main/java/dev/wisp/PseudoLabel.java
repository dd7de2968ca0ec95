package dev.wisp;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A segmentation of one image: per pixel the class whose localisation map is largest, and the maps.
 * Immutable; arrays given out are copies.
 */
public final class PseudoLabel {
  private final int width;
  private final int height;
  private final byte[] ids;
  private final SequencedMap<String, float[]> maps;

  PseudoLabel(int width, int height, byte[] ids, SequencedMap<String, float[]> maps) {
    this.width = width;
    this.height = height;
    this.ids = ids;
    this.maps = maps;
  }

  public int width() {
    return width;
  }

  public int height() {
    return height;
  }

  /** Class ids row by row, {@code [height][width]}; 0 is the background. */
  public byte[] ids() {
    return ids.clone();
  }

  /** The class id of one pixel. */
  public int id(int x, int y) {
    if (x < 0 || x >= width || y < 0 || y >= height) {
      throw new IndexOutOfBoundsException("pixel (%d, %d) of %dx%d".formatted(x, y, width, height));
    }
    return ids[y * width + x] & 0xFF;
  }

  /**
   * Localisation maps by class name, {@code background} first, each {@code [height][width]} in
   * 0..1.
   */
  public Map<String, float[]> maps() {
    Map<String, float[]> copy = new LinkedHashMap<>();
    maps.forEach((name, map) -> copy.put(name, Arrays.copyOf(map, map.length)));
    return copy;
  }
}
