package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.io.ElementType;
import dev.wisp.io.FileErrors;
import dev.wisp.io.NpzFile;
import dev.wisp.io.Safetensors;
import dev.wisp.io.TensorEntry;
import dev.wisp.io.TensorFile;
import dev.wisp.io.TorchWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Weights from one file format to another. */
public final class Conversion {
  private static final List<String> TARGETS = List.of(".safetensors", ".pth", ".npz");

  private Conversion() {}

  /**
   * Copies all tensors; floats become F32, integers I64.
   *
   * @param from {@code .pth} in either form, or safetensors
   * @param to {@code .safetensors}, {@code .pth} (zip form) or {@code .npz}
   * @return number of tensors
   * @throws WispException for a damaged or hostile source, or a target of another kind
   */
  public static int run(Path from, Path to, boolean force) {
    String name = to.toString();
    if (TARGETS.stream().noneMatch(name::endsWith)) {
      throw new WispException(
          "%s: end the target's name with one of %s".formatted(name, String.join(", ", TARGETS)));
    }
    if (Files.exists(to) && !force) {
      throw FileErrors.of(to, "is there already; replace it with --force");
    }
    try (TensorFile source = Weights.open(from)) {
      List<TensorEntry> entries =
          source.names().stream().map(tensor -> entry(source, tensor)).toList();
      if (name.endsWith(".npz")) {
        NpzFile.write(to, entries, false);
      } else if (name.endsWith(".pth")) {
        TorchWriter.write(to, entries);
      } else {
        Safetensors.write(to, entries, source.metadata());
      }
      return entries.size();
    }
  }

  private static TensorEntry entry(TensorFile source, String name) {
    ElementType type = source.type(name);
    return type.isFloat()
        ? TensorEntry.ofFloats(name, source.shape(name), () -> source.floats(name))
        : TensorEntry.ofLongs(name, source.shape(name), source.longs(name));
  }
}
