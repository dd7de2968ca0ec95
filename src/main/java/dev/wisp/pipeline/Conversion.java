package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.io.ElementType;
import dev.wisp.io.FileErrors;
import dev.wisp.io.NpzFile;
import dev.wisp.io.Safetensors;
import dev.wisp.io.TensorEntry;
import dev.wisp.io.TensorFile;
import dev.wisp.io.TorchWriter;
import dev.wisp.method.DeepLabConfig;
import dev.wisp.nn.ResNetConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Weights from one file format to another. */
public final class Conversion {
  private static final List<String> TARGETS = List.of(".safetensors", ".pth", ".npz", ".onnx");

  private Conversion() {}

  /**
   * Copies all tensors; floats become F32, integers I64. To ONNX go the tensors of a DeepLabV3 with
   * its graph: that of the recipe stored with the weights, else torchvision's at output stride 8.
   *
   * @param from {@code .pth} in either form, or safetensors
   * @param to {@code .safetensors}, {@code .pth} (zip form), {@code .npz} or {@code .onnx}
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
    if (name.endsWith(".onnx")) {
      Optional<Recipe> recipe = Models.recipe(from);
      try (TensorFile source = Weights.open(from)) {
        return OnnxExport.write(source, deepLab(source, recipe), to);
      }
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

  /** The network that weights belong to. */
  private static DeepLabConfig deepLab(TensorFile weights, Optional<Recipe> recipe) {
    int foreground = Segmenter.foreground(weights);
    if (recipe.isPresent()) {
      return Models.segmentation(recipe.get(), foreground);
    }
    boolean deep = weights.contains("backbone.layer3.22.conv1.weight");
    return DeepLabConfig.standard(
        deep ? ResNetConfig.resnet101() : ResNetConfig.resnet50(), foreground, 8);
  }

  private static TensorEntry entry(TensorFile source, String name) {
    ElementType type = source.type(name);
    return type.isFloat()
        ? TensorEntry.ofFloats(name, source.shape(name), () -> source.floats(name))
        : TensorEntry.ofLongs(name, source.shape(name), source.longs(name));
  }
}
