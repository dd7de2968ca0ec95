package dev.wisp.backend;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Pairs of nearby positions and the straight paths between them (IRN, Ahn, Cho and Kwak, CVPR 2019,
 * section 3.2). A pair is a source and the source plus an offset {@code (dy, dx)} shorter than the
 * radius, one of each two opposite ones: {@code (0, 1..)}, then {@code dy = 1..} with dx ascending,
 * stably ordered by the length of the path. A path holds the offsets in the box of the pair whose
 * distance from the line is below 1, the farthest from the source by {@code |y| + |x|} first: it
 * begins at the destination and ends at the source. Immutable.
 */
public final class PathIndex {
  private final int radius;
  private final int[] offsets;
  private final int[] coordinates;

  private PathIndex(int radius, int[] offsets, int[] coordinates) {
    this.radius = radius;
    this.offsets = offsets;
    this.coordinates = coordinates;
  }

  /**
   * The paths shorter than a radius.
   *
   * @param radius 2..64
   */
  public static PathIndex of(int radius) {
    if (radius < 2 || radius > 64) {
      throw new IllegalArgumentException("paths of radius " + radius + "; it lies in 2..64");
    }
    List<int[]> paths = new ArrayList<>();
    for (int dy = 0; dy < radius; dy++) {
      for (int dx = dy == 0 ? 1 : 1 - radius; dx < radius; dx++) {
        if (dy * dy + dx * dx < radius * radius) {
          paths.add(path(dy, dx));
        }
      }
    }
    paths.sort(Comparator.comparingInt(path -> path.length));
    int[] offsets = new int[paths.size() + 1];
    for (int i = 0; i < paths.size(); i++) {
      offsets[i + 1] = offsets[i] + paths.get(i).length / 2;
    }
    int[] coordinates = paths.stream().flatMapToInt(Arrays::stream).toArray();
    return new PathIndex(radius, offsets, coordinates);
  }

  private static int[] path(int dy, int dx) {
    List<int[]> on = new ArrayList<>();
    int length = dy * dy + dx * dx;
    for (int y = 0; y <= dy; y++) {
      for (int x = Math.min(0, dx); x <= Math.max(0, dx); x++) {
        int cross = dy * x - dx * y;
        if (cross * cross < length) {
          on.add(new int[] {y, x});
        }
      }
    }
    on.sort(Comparator.comparingInt(at -> -Math.abs(at[0]) - Math.abs(at[1])));
    return on.stream().flatMapToInt(Arrays::stream).toArray();
  }

  /** Offsets are shorter than this. */
  public int radius() {
    return radius;
  }

  /** Number of paths that begin at a source. */
  public int count() {
    return offsets.length - 1;
  }

  /** First coordinate of a path; {@code count()} gives the number of all coordinates. */
  public int begin(int path) {
    return offsets[path];
  }

  /** Row of a coordinate, relative to the source. */
  public int dy(int coordinate) {
    return coordinates[2 * coordinate];
  }

  /** Column of a coordinate, relative to the source. */
  public int dx(int coordinate) {
    return coordinates[2 * coordinate + 1];
  }

  /** {@code count() + 1} first coordinates, for a kernel. */
  public int[] offsets() {
    return offsets.clone();
  }

  /** {@code (dy, dx)} of every coordinate, path by path, for a kernel. */
  public int[] coordinates() {
    return coordinates.clone();
  }

  /** Rows from whose positions every path of this radius stays in a map of this height. */
  public int sourceRows(int height) {
    return Math.max(0, height - margin());
  }

  /** Columns of the same, from {@link #margin} on. */
  public int sourceColumns(int width) {
    return Math.max(0, width - 2 * margin());
  }

  /** Farthest reach of a path along an axis. */
  public int margin() {
    return radius - 1;
  }

  @Override
  public String toString() {
    return "PathIndex[radius=%d, paths=%d]".formatted(radius, count());
  }
}
