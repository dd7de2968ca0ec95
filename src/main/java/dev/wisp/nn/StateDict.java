package dev.wisp.nn;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.io.FloatSource;
import dev.wisp.io.TensorEntry;
import dev.wisp.io.TensorFile;
import dev.wisp.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A network's state by name, to and from files. This engine's own names are {@code
 * resnet.conv1.weight}, {@code classifier.weight}; a segmentation network has torchvision's ({@code
 * backbone.conv1.weight}, {@code classifier.4.weight}). An encoder is found under each of these, in
 * torchvision's own file ({@code conv1.weight}) and in the AE-SIPE release's ({@code
 * resnet50.conv1.weight} at both depths). Tensors that no parameter asks for are passed over, such
 * as {@code fc.*}, {@code num_batches_tracked} and the release's duplicates.
 */
public final class StateDict {
  /** What the encoder is called inside the networks of this engine. */
  private static final List<String> ENCODERS = List.of("resnet.", "backbone.");

  private static final List<String> ENCODER_ALIASES =
      List.of("resnet.", "", "resnet50.", "resnet101.", "backbone.");

  private StateDict() {}

  /**
   * Sets all parameters from a file.
   *
   * @throws WispException naming the file and the first tensor that is missing or has another
   *     shape; no parameter is changed then
   */
  public static void load(TensorFile file, List<Parameter> parameters) {
    List<String> names = new ArrayList<>();
    for (Parameter parameter : parameters) {
      names.add(find(file, parameter));
    }
    for (int i = 0; i < names.size(); i++) {
      try (FloatSource source = file.pieces(names.get(i))) {
        parameters.get(i).set(source);
      }
    }
  }

  private static String find(TensorFile file, Parameter parameter) {
    String name = stored(file, parameter.name());
    if (name == null) {
      throw new WispException(
          "%s: has no tensor '%s' %s; give weights of the same network"
              .formatted(file.path(), parameter.name(), parameter.shape()));
    }
    Shape shape = Shape.of(file.shape(name));
    if (!shape.equals(parameter.shape())) {
      throw new WispException(
          "%s: tensor '%s' is %s, this network needs %s; give weights of the same network"
              .formatted(file.path(), name, shape, parameter.shape()));
    }
    return name;
  }

  private static @Nullable String stored(TensorFile file, String name) {
    if (file.contains(name)) {
      return name;
    }
    for (String encoder : ENCODERS) {
      if (name.startsWith(encoder)) {
        String tail = name.substring(encoder.length());
        for (String alias : ENCODER_ALIASES) {
          if (file.contains(alias + tail)) {
            return alias + tail;
          }
        }
      }
    }
    return null;
  }

  /** Whether a file holds tensors for all of these parameters, whatever their shapes. */
  public static boolean covers(TensorFile file, List<Parameter> parameters) {
    return parameters.stream().allMatch(parameter -> stored(file, parameter.name()) != null);
  }

  /**
   * The parameters as file entries, read from the device when they are written. Writing may happen
   * on any thread.
   */
  public static List<TensorEntry> entries(Backend backend, List<Parameter> parameters) {
    return parameters.stream()
        .map(
            parameter ->
                TensorEntry.ofFloats(
                    parameter.name(),
                    parameter.shape().toArray(),
                    () -> backend.compute(() -> backend.floats(parameter.value()))))
        .toList();
  }
}
