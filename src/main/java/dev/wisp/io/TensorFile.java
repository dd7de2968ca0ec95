package dev.wisp.io;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A file of named tensors, read lazily: opening reads the directory, each tensor's elements are
 * read when asked for. Elements come in row-major order in arrays that belong to the caller. All
 * methods may be called from several threads; after {@link #close} they throw {@link
 * IllegalStateException}. A damaged file, a missing name and a wrong element type are a {@link
 * dev.wisp.common.WispException} naming the file and the tensor.
 */
public interface TensorFile extends AutoCloseable {
  /** The file. */
  Path path();

  /** The tensors' names in the file's order. */
  List<String> names();

  /** Whether a tensor has this name. */
  boolean contains(String name);

  /** A tensor's element type. */
  ElementType type(String name);

  /** A tensor's lengths, outermost first; empty for a scalar. A new array each time. */
  long[] shape(String name);

  /** The file's free-form text entries. */
  Map<String, String> metadata();

  /** The elements as float, rounded once; any element type. */
  float[] floats(String name);

  /** The elements as double; any element type. */
  double[] doubles(String name);

  /** The elements of an integer or boolean tensor. */
  long[] longs(String name);

  /** The elements of a tensor of one byte an element (U8, I8, BOOL) as stored. */
  byte[] bytes(String name);

  @Override
  void close();
}
