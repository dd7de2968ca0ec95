package dev.wisp.io;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
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
  /**
   * Opens a file of weights by its content: safetensors, else a PyTorch checkpoint in either form.
   */
  static TensorFile open(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      byte[] start = in.readNBytes(9);
      // A safetensors header of 128 bytes begins like a pickle, but a brace follows its length.
      boolean brace = start.length == 9 && start[8] == '{' && start[7] == 0;
      return brace ? Safetensors.open(path) : TorchFile.open(path);
    } catch (IOException e) {
      throw FileErrors.reading(path, e);
    }
  }

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

  /** The same elements in pieces, while the file is open: for whoever moves them on. */
  default FloatSource pieces(String name) {
    float[] all = floats(name);
    return (at, into, count) -> System.arraycopy(all, Math.toIntExact(at), into, 0, count);
  }

  /** The elements as double; any element type. */
  double[] doubles(String name);

  /** The elements of an integer or boolean tensor. */
  long[] longs(String name);

  /** The elements of a tensor of one byte an element (U8, I8, BOOL) as stored. */
  byte[] bytes(String name);

  @Override
  void close();
}
