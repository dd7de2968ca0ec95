package dev.wisp.benchmarks.libtorch;

import dev.wisp.benchmarks.Network;
import dev.wisp.benchmarks.Network.Parameter;
import dev.wisp.benchmarks.Workload;
import dev.wisp.common.HashFill;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * ResNet-101 with a classifier, loss and gradients, as torchvision writes it: convolution, batch
 * norm with running statistics whose scale and shift are trained, in-place ReLU; stem, layer1 and
 * layer2 without a tape.
 */
final class LibtorchNetwork implements Workload {
  private final Map<String, Tensor> tensors = new HashMap<>();
  private final Map<String, TensorOptional> optionals = new HashMap<>();
  private final List<String> trained = new ArrayList<>();
  private final Tensor images;
  private final Tensor labels;

  LibtorchNetwork() {
    for (Parameter parameter : Network.parameters()) {
      String name = parameter.name();
      Tensor tensor = Tensors.of(HashFill.fill("", name, parameter.shape()), parameter.shape());
      if (parameter.trained()) {
        tensor.set_requires_grad(true);
        trained.add(name);
      }
      tensors.put(name, tensor);
      optionals.put(name, new TensorOptional(tensor));
    }
    images = Tensors.of(Network.images(), Network.BATCH, 3, Network.SIZE, Network.SIZE);
    labels = Tensors.of(Network.labels(), Network.BATCH, Network.CLASSES);
  }

  @Override
  public void run() {
    for (String name : trained) {
      try (Tensor gradient = tensor(name).mutable_grad()) {
        gradient.reset();
      }
    }
    try (Tensor score = score();
        Tensor loss = torch.multilabel_soft_margin_loss(score, labels)) {
      loss.backward();
    }
  }

  @Override
  public Map<String, float[]> values() {
    run();
    Map<String, float[]> values = new LinkedHashMap<>();
    try (Tensor score = score();
        Tensor loss = torch.multilabel_soft_margin_loss(score, labels)) {
      values.put("score", Tensors.floats(score));
      values.put("loss", Tensors.floats(loss));
    }
    float[] norms = new float[trained.size()];
    double total = 0;
    for (int i = 0; i < norms.length; i++) {
      double squares = 0;
      try (Tensor gradient = tensor(trained.get(i)).grad()) {
        for (float g : Tensors.floats(gradient)) {
          squares += (double) g * g;
        }
      }
      norms[i] = (float) Math.sqrt(squares);
      total += squares;
    }
    values.put("gradient norm", new float[] {(float) Math.sqrt(total)});
    values.put("gradient norms", norms);
    return values;
  }

  private Tensor score() {
    Tensor x = Tensors.withoutGradient(() -> layer(layer(stem(), 1), 2));
    try (Tensor features = layer(layer(x, 3), 4);
        Tensor cam = convolve(features, "classifier", 1, 0)) {
      return cam.mean(new long[] {2, 3}, false, new ScalarTypeOptional());
    }
  }

  private Tensor stem() {
    try (Tensor x = convolveNorm(images, "resnet.conv1", "resnet.bn1", 2, 3)) {
      x.relu_();
      return torch.max_pool2d(
          x, new long[] {3, 3}, new long[] {2, 2}, new long[] {1, 1}, new long[] {1, 1}, false);
    }
  }

  /** Applies a layer and closes its input. */
  private Tensor layer(Tensor x, int layer) {
    for (int block = 0; block < Network.blocks(layer); block++) {
      Tensor y = bottleneck(x, "resnet.layer" + layer + "." + block, block == 0, layer);
      x.close();
      x = y;
    }
    return x;
  }

  private Tensor bottleneck(Tensor x, String name, boolean first, int layer) {
    int stride = first ? Network.stride(layer) : 1;
    Tensor y;
    try (Tensor a = convolveNorm(x, name + ".conv1", name + ".bn1", 1, 0)) {
      a.relu_();
      try (Tensor b = convolveNorm(a, name + ".conv2", name + ".bn2", stride, 1)) {
        b.relu_();
        y = convolveNorm(b, name + ".conv3", name + ".bn3", 1, 0);
      }
    }
    if (first) {
      try (Tensor shortcut =
          convolveNorm(x, name + ".downsample.0", name + ".downsample.1", stride, 0)) {
        y.add_(shortcut);
      }
    } else {
      y.add_(x);
    }
    y.relu_();
    return y;
  }

  private Tensor convolveNorm(Tensor x, String convolution, String norm, int stride, int padding) {
    try (Tensor y = convolve(x, convolution, stride, padding)) {
      return torch.batch_norm(
          y,
          optional(norm + ".weight"),
          optional(norm + ".bias"),
          optional(norm + ".running_mean"),
          optional(norm + ".running_var"),
          false,
          0.1,
          1e-5,
          false);
    }
  }

  private Tensor convolve(Tensor x, String name, int stride, int padding) {
    return torch.conv2d(
        x,
        tensor(name + ".weight"),
        Tensors.none(),
        new long[] {stride, stride},
        new long[] {padding, padding},
        new long[] {1, 1},
        1);
  }

  private Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("no tensor " + name);
    }
    return tensor;
  }

  private TensorOptional optional(String name) {
    TensorOptional optional = optionals.get(name);
    if (optional == null) {
      throw new IllegalArgumentException("no tensor " + name);
    }
    return optional;
  }

  @Override
  public void close() {
    optionals.values().forEach(TensorOptional::close);
    tensors.values().forEach(Tensor::close);
    images.close();
    labels.close();
  }
}
