package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import dev.wisp.io.OnnxModel;
import dev.wisp.io.OnnxModel.Attributes;
import dev.wisp.io.TensorEntry;
import dev.wisp.io.TensorFile;
import dev.wisp.method.DeepLabConfig;
import dev.wisp.nn.ResNetConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * DeepLabV3 as an ONNX graph: {@code image} {@code [N, 3, H, W]}, normalised, to {@code scores}
 * {@code [N, K + 1, H, W]}; any N, H and W. Weights keep torchvision's names.
 */
final class OnnxExport {
  private static final float EPS = 1e-5f;

  private final TensorFile weights;
  private final OnnxModel model = new OnnxModel("deeplabv3");
  private final Set<String> used = new LinkedHashSet<>();

  private OnnxExport(TensorFile weights) {
    this.weights = weights;
  }

  /**
   * Writes the network of a weights file.
   *
   * @return number of weights written
   * @throws WispException if the file holds no whole DeepLabV3 of this shape
   */
  static int write(TensorFile weights, DeepLabConfig config, Path target) {
    OnnxExport export = new OnnxExport(weights);
    export.graph(config);
    weights.metadata().forEach(export.model::note);
    export.model.write(target);
    return export.used.size();
  }

  private void graph(DeepLabConfig config) {
    model.input("image", "batch", 3, "height", "width");
    model.output("scores", "batch", config.foreground() + 1, "height", "width");
    String x = encoder(config.encoder(), "image");
    x = pyramid(config, x);
    x = relu(norm("classifier.2", conv("classifier.1", x, 1, 1, 1, false)));
    x = conv("classifier.4", x, 1, 0, 1, true);
    String size = sizes("image", 2, 4);
    String all = node("Concat", new Attributes().integer("axis", 0), sizes(x, 0, 2), size);
    model.node(
        "Resize",
        List.of(x, "", "", all),
        "scores",
        new Attributes()
            .text("mode", "linear")
            .text("coordinate_transformation_mode", "half_pixel"));
  }

  private String encoder(ResNetConfig config, String image) {
    String name = "backbone.";
    String x = conv(name + "conv1", image, config.stemStride(), config.stemKernel() / 2, 1, false);
    x = relu(norm(name + "bn1", x));
    if (config.stemPool()) {
      x =
          node(
              "MaxPool",
              new Attributes()
                  .integers("kernel_shape", 3, 3)
                  .integers("strides", 2, 2)
                  .integers("pads", 1, 1, 1, 1),
              x);
    }
    int in = config.stemChannels();
    for (int l = 0; l < config.layers().size(); l++) {
      ResNetConfig.Layer layer = config.layers().get(l);
      for (int b = 0; b < layer.blocks(); b++) {
        boolean shortcut = b == 0 && (layer.stride() != 1 || in != layer.out());
        x = block("%slayer%d.%d".formatted(name, l + 1, b), x, layer, b == 0, shortcut);
        in = layer.out();
      }
    }
    return x;
  }

  private String block(
      String name, String x, ResNetConfig.Layer layer, boolean first, boolean shortcut) {
    int dilation = first ? layer.firstDilation() : layer.dilation();
    int stride = first ? layer.stride() : 1;
    String y = relu(norm(name + ".bn1", conv(name + ".conv1", x, 1, 0, 1, false)));
    y = conv(name + ".conv2", y, stride, dilation, dilation, false);
    y = relu(norm(name + ".bn2", y));
    y = norm(name + ".bn3", conv(name + ".conv3", y, 1, 0, 1, false));
    String residual =
        shortcut
            ? norm(name + ".downsample.1", conv(name + ".downsample.0", x, stride, 0, 1, false))
            : x;
    return relu(node("Add", new Attributes(), y, residual));
  }

  private String pyramid(DeepLabConfig config, String x) {
    String name = "classifier.0.";
    List<String> branches = new ArrayList<>();
    branches.add(layer(name + "convs.0", 0, x, 0, 1));
    for (int i = 0; i < config.rates().size(); i++) {
      int rate = config.rates().get(i);
      branches.add(layer(name + "convs." + (i + 1), 0, x, rate, rate));
    }
    String mean = node("GlobalAveragePool", new Attributes(), x);
    mean = layer(name + "convs." + (config.rates().size() + 1), 1, mean, 0, 1);
    String shape = node("Shape", new Attributes(), branches.getFirst());
    branches.add(node("Expand", new Attributes(), mean, shape));
    String joined =
        node("Concat", new Attributes().integer("axis", 1), branches.toArray(String[]::new));
    return layer(name + "project", 0, joined, 0, 1);
  }

  /** A convolution, its norm and a ReLU: modules {@code index} and {@code index + 1}. */
  private String layer(String name, int index, String x, int padding, int dilation) {
    String y = conv(name + "." + index, x, 1, padding, dilation, false);
    return relu(norm(name + "." + (index + 1), y));
  }

  private String conv(
      String name, String x, int stride, int padding, int dilation, boolean biased) {
    List<String> inputs = new ArrayList<>(List.of(x, weight(name + ".weight")));
    if (biased) {
      inputs.add(weight(name + ".bias"));
    }
    return model.node(
        "Conv",
        inputs,
        new Attributes()
            .integers("strides", stride, stride)
            .integers("pads", padding, padding, padding, padding)
            .integers("dilations", dilation, dilation));
  }

  private String norm(String name, String x) {
    return model.node(
        "BatchNormalization",
        List.of(
            x,
            weight(name + ".weight"),
            weight(name + ".bias"),
            weight(name + ".running_mean"),
            weight(name + ".running_var")),
        new Attributes().number("epsilon", EPS));
  }

  private String relu(String x) {
    return node("Relu", new Attributes(), x);
  }

  /** Sizes {@code from .. to - 1} of a value. */
  private String sizes(String x, int from, int to) {
    return node("Shape", new Attributes().integer("start", from).integer("end", to), x);
  }

  private String node(String operator, Attributes attributes, String... inputs) {
    return model.node(operator, List.of(inputs), attributes);
  }

  private String weight(String name) {
    if (!weights.contains(name)) {
      throw FileErrors.of(
          weights.path(), "has no tensor '%s'; only DeepLabV3 goes to ONNX".formatted(name));
    }
    if (used.add(name)) {
      model.initializer(
          TensorEntry.ofPieces(name, weights.shape(name), () -> weights.pieces(name)));
    }
    return name;
  }
}
