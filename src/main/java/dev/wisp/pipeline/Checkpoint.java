package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.io.ElementType;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Safetensors;
import dev.wisp.io.TensorEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Named float tensors with text beside them, in a safetensors file whose metadata carries a
 * checksum, so that a damaged file is known as such and never silently trained on.
 *
 * @param tensors by name, in order
 * @param text free-form entries: stage, step, ...
 */
record Checkpoint(Map<String, Value> tensors, Map<String, String> text) {
  private static final String CHECKSUM = "wisp.crc32c";

  /** A tensor in host memory. */
  record Value(long[] shape, float[] elements) {}

  /** Writes it, whole or not at all. */
  void write(Path file) {
    List<TensorEntry> entries = new ArrayList<>();
    tensors.forEach(
        (name, value) -> entries.add(TensorEntry.ofFloats(name, value.shape, value.elements)));
    Map<String, String> metadata = new LinkedHashMap<>(text);
    metadata.put(CHECKSUM, checksum());
    Safetensors.write(file, entries, metadata);
  }

  /**
   * Reads a file that {@link #write} wrote.
   *
   * @throws WispException naming the file if it is missing, truncated, altered or another format
   */
  static Checkpoint read(Path file) {
    try (Safetensors in = Safetensors.open(file)) {
      Map<String, Value> tensors = new LinkedHashMap<>();
      for (String name : in.names()) {
        if (in.type(name) != ElementType.F32) {
          throw FileErrors.of(file, "is not a checkpoint: tensor '" + name + "' is not F32");
        }
        tensors.put(name, new Value(in.shape(name), in.floats(name)));
      }
      Map<String, String> text = new LinkedHashMap<>(in.metadata());
      String expected = text.remove(CHECKSUM);
      if (expected == null) {
        throw FileErrors.of(file, "is not a checkpoint: it carries no checksum");
      }
      Checkpoint checkpoint = new Checkpoint(tensors, text);
      if (!checkpoint.checksum().equals(expected)) {
        throw FileErrors.of(file, "is damaged: its checksum does not match");
      }
      return checkpoint;
    }
  }

  /** A tensor by name. */
  Value value(String name) {
    Value value = tensors.get(name);
    if (value == null) {
      throw new IllegalArgumentException("the checkpoint has no tensor '" + name + "'");
    }
    return value;
  }

  /** Over names and elements, in the order of the names. */
  private String checksum() {
    CRC32C crc = new CRC32C();
    ByteBuffer piece = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    tensors.keySet().stream()
        .sorted()
        .forEach(
            name -> {
              crc.update(name.getBytes(StandardCharsets.UTF_8));
              float[] elements = value(name).elements;
              for (int i = 0; i < elements.length; i++) {
                piece.putFloat(elements[i]);
                if (!piece.hasRemaining() || i == elements.length - 1) {
                  crc.update(piece.flip());
                  piece.clear();
                }
              }
            });
    text.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(
            entry ->
                crc.update(
                    (entry.getKey() + "=" + entry.getValue()).getBytes(StandardCharsets.UTF_8)));
    return "%08x".formatted(crc.getValue());
  }
}
