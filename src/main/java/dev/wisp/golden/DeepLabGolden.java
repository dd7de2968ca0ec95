package dev.wisp.golden;

import static dev.wisp.golden.GoldenMismatch.require;

import dev.wisp.backend.Backend;
import dev.wisp.common.HashFill;
import dev.wisp.method.DeepLabConfig;
import dev.wisp.method.DeepLabNet;
import dev.wisp.method.Losses;
import dev.wisp.method.ScaledImage;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** DeepLabV3 against torchvision: scores and labels, losses, gradients, running statistics. */
public final class DeepLabGolden implements GoldenSubject {
  private static final String PREFIX = "deeplab/";

  /** The folder's smallest suggested bound of features and scores, of their largest value. */
  private static final double FEATURE = 6.8e-6;

  private static final double LOSS = 2e-6;
  private static final double RUNNING = 3.1e-5;

  private static final String EVALUATION = "";
  private static final String FIXED_NORMS = "bn_eval";
  private static final String LIVE_NORMS = "bn_train";

  @Override
  public String folder() {
    return "irn_crf_deeplab";
  }

  @Override
  public String files() {
    return "deeplab(_.+)?";
  }

  /** A forward pass in every file; training where a file has its loss. */
  @Override
  public List<String> cases(GoldenFile file) {
    return Stream.of(EVALUATION, FIXED_NORMS, LIVE_NORMS)
        .filter(name -> name.equals(EVALUATION) || file.has(name + ".loss"))
        .toList();
  }

  @Override
  public boolean wholeNetwork() {
    return true;
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    if (report.name().equals(EVALUATION)) {
      evaluation(report, backend);
    } else {
      training(report, backend, report.name().equals(LIVE_NORMS));
    }
  }

  private static DeepLabNet network(Backend backend, boolean live) {
    DeepLabNet network =
        new DeepLabNet(
            backend,
            DeepLabConfig.standard(ResNetConfig.resnet101(), 20, 8)
                .withDropout(0)
                .withLiveNorms(live));
    backend.run(
        () -> {
          for (Parameter parameter : network.parameters()) {
            parameter.set(HashFill.fill(PREFIX, parameter.name(), parameter.shape().toArray()));
          }
        });
    return network;
  }

  private static void evaluation(GoldenCase report, Backend backend) {
    GoldenFile file = report.file();
    String prefix = file.has("eval.logits_low") ? "eval." : "";
    int[] s = file.dims("image");
    float[] pixels = NetworkGolden.normalize(file.tensors().bytes("image"));
    ScaledImage image = new ScaledImage(pixels, s[0], s[1]);
    try (DeepLabNet network = network(backend, false)) {
      float[] low =
          network.scores(
              image,
              (name, value) -> {
                String tensor = prefix + (name.equals("logits") ? "logits_low" : name);
                report.checkShare(
                    tensor, FEATURE, planar(backend.floats(value), file.dims(tensor)));
              });
      int[] labels = network.segment(List.of(image), false, s[0], s[1]);
      int[] grid = file.dims(prefix + "logits_low");
      float[] full = backend.compute(() -> resized(backend, low, grid, s));
      report.checkShare(
          prefix + "out", FEATURE, NetworkGolden.planar(full, 1, s[0] * s[1], grid[1]));
      labels(report, prefix + "argmax", labels, full, grid[1]);
    }
  }

  /** {@code [1, c, h, w]}; the image's mean, one position here, is stored at every position. */
  private static float[] planar(float[] values, int[] nchw) {
    int positions = nchw[2] * nchw[3];
    float[] all = values;
    if (values.length == nchw[1]) {
      all = new float[positions * nchw[1]];
      for (int p = 0; p < positions; p++) {
        System.arraycopy(values, 0, all, p * nchw[1], nchw[1]);
      }
    }
    return NetworkGolden.planar(all, 1, positions, nchw[1]);
  }

  private static float[] resized(Backend backend, float[] low, int[] grid, int[] image) {
    try (Scope scope = backend.scope()) {
      Tensor source = scope.f32(1, grid[2], grid[3], grid[1]);
      backend.upload(low, source);
      Tensor target = scope.f32(1, image[0], image[1], grid[1]);
      backend.resizeBilinear(source, target, 0, false);
      return backend.floats(target);
    }
  }

  /** Labels may differ where both classes' scores are equal within the scores' own bound. */
  private static void labels(
      GoldenCase report, String name, int[] labels, float[] scores, int classes) {
    byte[] expected = report.file().tensors().bytes(name);
    require(expected.length == labels.length, "%s has %d labels", name, expected.length);
    double largest = 0;
    for (float score : scores) {
      largest = Math.max(largest, Math.abs(score));
    }
    double gap = 0;
    for (int p = 0; p < labels.length; p++) {
      gap = Math.max(gap, scores[p * classes + labels[p]] - scores[p * classes + expected[p]]);
    }
    report.checkDistance(name, gap, largest, 2 * FEATURE * largest);
  }

  private static void training(GoldenCase report, Backend backend, boolean live) {
    GoldenFile file = report.file();
    String images = live ? "batch.images" : "image";
    int[] s = file.dims(images);
    int count = live ? s[0] : 1;
    int height = s[s.length - 3];
    int width = s[s.length - 2];
    TrainingBatch batch =
        TrainingBatch.ofMasks(
            NetworkGolden.normalize(file.tensors().bytes(images)),
            count,
            height,
            width,
            file.tensors().bytes(live ? "batch.labels" : "label"),
            0,
            0);
    String prefix = report.name() + ".";
    try (DeepLabNet network = network(backend, live)) {
      Losses losses = network.step(batch);
      double loss = file.tensors().doubles(prefix + "loss")[1];
      report.checkDistance("loss", Math.abs(losses.total() - loss), loss, LOSS * loss);
      Map<String, Parameter> parameters =
          network.parameters().stream()
              .collect(Collectors.toMap(Parameter::name, Function.identity()));
      gradients(report, prefix, backend, parameters);
      if (live) {
        statistics(report, prefix + "running_mean", backend, parameters);
        statistics(report, prefix + "running_var", backend, parameters);
      }
    }
  }

  private static List<String> words(GoldenFile file, String entry) {
    return Stream.of(file.tensors().metadata().getOrDefault(entry, "").split("\\s+")).toList();
  }

  /** Against float64, within ten times the float32 noise of the golden vectors themselves. */
  private static void gradients(
      GoldenCase report, String prefix, Backend backend, Map<String, Parameter> parameters) {
    GoldenFile file = report.file();
    List<String> names = words(file, "params");
    double[] stat = file.tensors().doubles(prefix + "grad64.stat");
    double[] first = file.tensors().doubles(prefix + "grad64.first");
    double[] noise = file.tensors().doubles(prefix + "grad.relL2_32_64");
    require(names.size() == noise.length, "%d parameters, %d entries", names.size(), noise.length);
    long learned =
        parameters.values().stream().filter(p -> p.group() != Parameter.Group.STATISTIC).count();
    require(learned == names.size(), "%d parameters, expected %d", learned, names.size());
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      Parameter parameter = named(parameters, name);
      float[] gradient = backend.compute(() -> backend.floats(parameter.gradient()));
      double scale = stat[5 * i + 4];
      double allowed = Math.min(0.1, Math.max(1e-5, 10 * noise[i])) * scale;
      double sum = 0;
      double squares = 0;
      for (float value : gradient) {
        sum += value;
        squares += (double) value * value;
      }
      double near = 0;
      for (int j = 0; j < Math.min(16, gradient.length); j++) {
        near += Math.pow(gradient[j] - first[16 * i + j], 2);
      }
      double spread = Math.sqrt(gradient.length);
      report.checkDistance(name + " L2", Math.abs(Math.sqrt(squares) - scale), scale, allowed);
      report.checkDistance(
          name + " sum", Math.abs(sum - stat[5 * i]), scale * spread, allowed * spread);
      report.checkDistance(name + " first", Math.sqrt(near), scale, allowed);
    }
  }

  private static Parameter named(Map<String, Parameter> parameters, String name) {
    Parameter parameter = parameters.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException("the network has no " + name);
    }
    return parameter;
  }

  private static void statistics(
      GoldenCase report, String name, Backend backend, Map<String, Parameter> parameters) {
    GoldenFile file = report.file();
    List<String> norms = words(file, "bn");
    double[] expected = file.tensors().doubles(name);
    String kind = name.substring(name.lastIndexOf('.') + 1);
    require(norms.size() * 10 == expected.length, "%d norms in %s", norms.size(), name);
    for (int i = 0; i < norms.size(); i++) {
      Parameter parameter = named(parameters, norms.get(i) + "." + kind);
      float[] values = backend.compute(() -> backend.floats(parameter.value()));
      double[] want = Arrays.copyOfRange(expected, 10 * i, 10 * i + 10);
      double sum = 0;
      double squares = 0;
      double largest = 0;
      for (float value : values) {
        sum += value;
        squares += (double) value * value;
        largest = Math.max(largest, Math.abs(value));
      }
      double allowed = RUNNING * largest;
      String what = norms.get(i) + "." + kind;
      double spread = Math.sqrt(values.length);
      report.checkDistance(
          what + " sum", Math.abs(sum - want[0]), values.length * largest, values.length * allowed);
      report.checkDistance(
          what + " L2", Math.abs(Math.sqrt(squares) - want[1]), want[1], spread * allowed);
      for (int j = 0; j < Math.min(8, values.length); j++) {
        report.checkDistance(what, Math.abs(values[j] - want[2 + j]), largest, allowed);
      }
    }
  }
}
