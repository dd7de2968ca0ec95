package dev.wisp.io;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What files of named tensors share: the directory, and elements as arrays.
 *
 * @param <E> what the directory knows of a tensor
 */
abstract class NamedTensors<E> implements TensorFile {
  /** Elements of one tensor, as the methods of {@link TensorFile} give them. */
  interface Values {
    float[] floats();

    double[] doubles();

    long[] longs();

    byte[] bytes();
  }

  final Path path;
  private final Map<String, E> entries;

  /** A file with these tensors, in its order. */
  NamedTensors(Path path, Map<String, E> entries) {
    this.path = path;
    this.entries = entries;
  }

  /** Reads a tensor. */
  abstract Values values(String name);

  /** What the directory says of a tensor that must be there. */
  final E entry(String name) {
    E entry = entries.get(name);
    if (entry == null) {
      throw FileErrors.of(path, "has no tensor '" + name + "'");
    }
    return entry;
  }

  @Override
  public final Path path() {
    return path;
  }

  @Override
  public final List<String> names() {
    return List.copyOf(entries.keySet());
  }

  @Override
  public final boolean contains(String name) {
    return entries.containsKey(name);
  }

  /** Empty unless the format has text entries. */
  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  @Override
  public final float[] floats(String name) {
    return values(name).floats();
  }

  @Override
  public final double[] doubles(String name) {
    return values(name).doubles();
  }

  @Override
  public final long[] longs(String name) {
    return values(name).longs();
  }

  @Override
  public final byte[] bytes(String name) {
    return values(name).bytes();
  }
}
