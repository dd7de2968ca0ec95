package dev.wisp.golden;

import static dev.wisp.golden.GoldenMismatch.require;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.common.HashFill;
import dev.wisp.io.TensorFile;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.Observer;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What the whole-network golden subjects share: weights, inputs, and the files' layouts. */
final class NetworkGolden {
  private static final double[] MEAN = {0.485, 0.456, 0.406};
  private static final double[] STD = {0.229, 0.224, 0.225};

  private NetworkGolden() {}

  /** The encoder of a depth as the files name it. */
  static ResNetConfig encoder(int depth) {
    return switch (depth) {
      case 50 -> ResNetConfig.resnet50();
      case 101 -> ResNetConfig.resnet101();
      default -> throw new AssertionError("golden vectors of depth " + depth);
    };
  }

  /** The network of a kind as the files name it. */
  static AeSipeConfig config(String network, ResNetConfig encoder, int foreground) {
    return switch (network) {
      case "ae" -> AeSipeConfig.aeSipe(encoder, foreground);
      case "sipe" -> AeSipeConfig.sipe(encoder, foreground);
      default -> throw new AssertionError("golden vectors of network " + network);
    };
  }

  /**
   * Sets hashfill weights and the folder's overrides for a depth.
   *
   * @param name of a case, for which overrides may replace tensors once more: {@code
   *     multi/classifier.weight} is the classifier of {@code multi50} alone; may be empty
   */
  static void fill(GoldenFolder golden, int depth, String name, List<Parameter> parameters) {
    try (GoldenFile overrides = golden.file("weights_override_" + depth)) {
      TensorFile file = overrides.tensors();
      Set<String> known = parameters.stream().map(Parameter::name).collect(Collectors.toSet());
      for (String tensor : file.names()) {
        require(
            tensor.indexOf('/') >= 0 || known.contains(tensor),
            "%s replaces %s, which the network does not have",
            file.path(),
            tensor);
      }
      String special = name.replaceAll("[\\d\\W_]+$", "") + "/";
      for (Parameter parameter : parameters) {
        String tensor = parameter.name();
        if (file.contains(special + tensor)) {
          parameter.set(file.floats(special + tensor));
        } else if (file.contains(tensor)) {
          parameter.set(file.floats(tensor));
        } else {
          parameter.set(HashFill.fill(golden.prefix(), tensor, parameter.shape().toArray()));
        }
      }
    }
  }

  /** Normalises pixels {@code [h, w, 3]} in float64, rounded once. */
  static float[] normalize(byte[] pixels) {
    float[] out = new float[pixels.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (((pixels[i] & 0xff) / 255.0 - MEAN[i % 3]) / STD[i % 3]);
    }
    return out;
  }

  /** The batch {@code prefix + image_u8}, {@code label} and {@code valid_box} of a file. */
  static TrainingBatch batch(GoldenFile file, String prefix, int stride) {
    int[] sizes = file.dims(prefix + "image_u8");
    int n = sizes[0];
    int height = sizes[1];
    int width = sizes[2];
    float[] images = normalize(file.tensors().bytes(prefix + "image_u8"));
    int[] box = file.ints(prefix + "valid_box");
    int h = (height + stride - 1) / stride;
    int w = (width + stride - 1) / stride;
    float[] valid = new float[n * h * w];
    for (int b = 0; b < n; b++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          boolean inside =
              y >= box[4 * b] && y < box[4 * b + 1] && x >= box[4 * b + 2] && x < box[4 * b + 3];
          int at = ((b * height + y) * width + x) * 3;
          if (!inside) {
            images[at] = 0;
            images[at + 1] = 0;
            images[at + 2] = 0;
          } else if (y % stride == 0 && x % stride == 0) {
            valid[(b * h + y / stride) * w + x / stride] = 1;
          }
        }
      }
    }
    return new TrainingBatch(images, n, height, width, labels(file, prefix + "label"), valid);
  }

  /** Foreground class ids per image of a tensor {@code [n, K]} or {@code [K]} of 0 and 1. */
  static int[][] labels(GoldenFile file, String name) {
    int[] sizes = file.dims(name);
    int classes = sizes[sizes.length - 1];
    float[] values = file.tensors().floats(name);
    int[][] labels = new int[values.length / classes][];
    for (int n = 0; n < labels.length; n++) {
      int from = n * classes;
      labels[n] =
          IntStream.rangeClosed(1, classes).filter(id -> values[from + id - 1] != 0).toArray();
    }
    return labels;
  }

  /** Everything a pass showed, on the host. */
  static final class Seen implements Observer {
    private final Backend backend;
    private final Map<Stage, List<float[]>> floats = new EnumMap<>(Stage.class);
    private final Map<Stage, List<int[]>> ints = new EnumMap<>(Stage.class);
    private final Map<Stage, int[]> sizes = new EnumMap<>(Stage.class);

    Seen(Backend backend) {
      this.backend = backend;
    }

    @Override
    public void see(Stage stage, Tensor value) {
      switch (value.type()) {
        case F32 ->
            floats.computeIfAbsent(stage, s -> new ArrayList<>()).add(backend.floats(value));
        case I32 -> ints.computeIfAbsent(stage, s -> new ArrayList<>()).add(backend.ints(value));
        case U8 -> throw new AssertionError(stage + " is not a stage of bytes");
      }
      int[] dims = new int[value.shape().rank()];
      for (int i = 0; i < dims.length; i++) {
        dims[i] = value.shape().dim(i);
      }
      sizes.put(stage, dims);
    }

    /** Forgets what was seen. */
    void clear() {
      floats.clear();
      ints.clear();
      sizes.clear();
    }

    boolean has(Stage stage) {
      return floats.containsKey(stage) || ints.containsKey(stage);
    }

    /** Sizes of a stage's tensors. */
    int[] sizes(Stage stage) {
      int[] seen = sizes.get(stage);
      require(seen != null, "stage %s was not seen", stage);
      return Objects.requireNonNull(seen);
    }

    List<int[]> ints(Stage stage) {
      return ints.getOrDefault(stage, List.of());
    }

    List<float[]> floats(Stage stage) {
      return floats.getOrDefault(stage, List.of());
    }

    /** A feature tensor as the files lay it out, {@code [n, c, h, w]}. */
    float[] planar(Stage stage) {
      int[] s = sizes(stage);
      return NetworkGolden.planar(floats(stage).getLast(), s[0], s[1] * s[2], s[3]);
    }

    /** Maps with the absent classes' zeros, {@code [n, K + 1, h, w]}. */
    float[] full(Stage stage, int which, ClassRows rows) {
      float[] compact = floats(stage).get(which);
      return NetworkGolden.full(compact, rows, compact.length / rows.rows());
    }
  }

  /** {@code [n, positions, c]} to {@code [n, c, positions]}. */
  static float[] planar(float[] values, int n, int positions, int c) {
    float[] out = new float[values.length];
    for (int b = 0; b < n; b++) {
      for (int p = 0; p < positions; p++) {
        for (int ch = 0; ch < c; ch++) {
          out[(b * c + ch) * positions + p] = values[(b * positions + p) * c + ch];
        }
      }
    }
    return out;
  }

  /** Rows of present classes spread over all classes, absent ones 0. */
  static float[] full(float[] compact, ClassRows rows, int each) {
    float[] out = new float[rows.images() * rows.total() * each];
    for (int b = 0; b < rows.images(); b++) {
      for (int row = rows.begin(b); row < rows.end(b); row++) {
        System.arraycopy(compact, row * each, out, (b * rows.total() + rows.id(row)) * each, each);
      }
    }
    return out;
  }

  /** Seeds {@code [n, positions]} one-hot, {@code [n, K + 1, positions]}. */
  static int[] oneHot(int[] seeds, int images, int total) {
    int positions = seeds.length / images;
    int[] hot = new int[images * total * positions];
    for (int i = 0; i < seeds.length; i++) {
      if (seeds[i] >= 0) {
        hot[(i / positions * total + seeds[i]) * positions + i % positions] = 1;
      }
    }
    return hot;
  }

  /** Softmax over classes of {@code [n, K + 1, positions]}. */
  static double[] softmax(float[] values, int images, int total) {
    int positions = values.length / images / total;
    double[] out = new double[values.length];
    for (int b = 0; b < images; b++) {
      for (int p = 0; p < positions; p++) {
        double sum = 0;
        for (int k = 0; k < total; k++) {
          sum += Math.exp(values[(b * total + k) * positions + p]);
        }
        for (int k = 0; k < total; k++) {
          int at = (b * total + k) * positions + p;
          out[at] = Math.exp(values[at]) / sum;
        }
      }
    }
    return out;
  }

  /** The validity mask as the files store it: position times label, background included. */
  static float[] validMask(TrainingBatch batch, int foreground) {
    float[] valid = Objects.requireNonNull(batch.valid());
    int positions = valid.length / batch.count();
    float[] mask = new float[batch.count() * (foreground + 1) * positions];
    for (int b = 0; b < batch.count(); b++) {
      for (int k = 0; k <= foreground; k++) {
        int id = k;
        if (k == 0 || IntStream.of(batch.labels()[b]).anyMatch(label -> label == id)) {
          for (int p = 0; p < positions; p++) {
            mask[(b * (foreground + 1) + k) * positions + p] = valid[b * positions + p];
          }
        }
      }
    }
    return mask;
  }
}
