import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * A training step of ResNet-101's convolutions at stride 16 through the CPU backend, without
 * optimiser or loss: fold and pack layer3 and layer4, forward, backward cut after layer2. Prints
 * where the time goes. docs/performance.md has the figures.
 *
 * <p>Arguments: batch size steps.
 */
final class ConvStack {
  private final Backend backend;
  private final Map<String, long[]> spent = new TreeMap<>();
  private final Map<String, double[]> work = new LinkedHashMap<>();
  private final List<List<Block>> layers = new ArrayList<>();
  private Conv stem;

  /** A convolution with its fixed norm. */
  private final class Conv {
    final String stage;
    final ConvSpec spec;
    final ConvWeights packed;
    final Tensor weight;
    final Tensor gamma;
    final Tensor beta;
    final Tensor mean;
    final Tensor var;
    final Tensor scale;
    final Tensor bias;
    final Tensor dw;
    final Tensor db;
    final Tensor dgamma;

    Conv(Scope scope, String stage, ConvSpec spec) {
      this.stage = stage;
      this.spec = spec;
      packed = backend.convWeights(spec);
      long o = spec.outChannels();
      long k = spec.kernel();
      float deviation = (float) Math.sqrt(2.0 / (spec.inChannels() * k * k));
      weight = random(scope, deviation, o, spec.inChannels(), k, k);
      gamma = constant(scope, o, 1);
      beta = constant(scope, o, 0.1f);
      mean = constant(scope, o, 0);
      var = constant(scope, o, 1);
      scale = scope.f32(o);
      bias = scope.f32(o);
      boolean trained = trained();
      dw = trained ? scope.f32(o, spec.inChannels(), k, k) : weight;
      db = scope.f32(o);
      dgamma = scope.f32(o);
      load();
    }

    boolean trained() {
      return stage.equals("layer3") || stage.equals("layer4");
    }

    void load() {
      timed(
          "fold and pack",
          0,
          () -> {
            backend.foldNorm(gamma, beta, mean, var, 1e-5f, scale, bias);
            backend.loadWeights(packed, weight, scale);
          });
    }

    double flops(Tensor y) {
      return 2.0 * y.shape().elements() * spec.inChannels() * spec.kernel() * spec.kernel();
    }

    Tensor forward(Scope scope, Tensor x, Tensor residual, boolean relu) {
      Tensor y = outputOf(scope, x);
      timed(
          "forward " + stage,
          flops(y),
          () -> backend.convForward(packed, x, bias, residual, relu, y));
      return y;
    }

    private Tensor outputOf(Scope scope, Tensor x) {
      return scope.f32(
          x.shape().size(0),
          spec.outSize(x.shape().size(1)),
          spec.outSize(x.shape().size(2)),
          spec.outChannels());
    }

    void weights(Tensor x, Tensor dy) {
      timed("weights " + stage, flops(dy), () -> backend.convBackwardWeights(spec, x, dy, dw, db));
      timed(
          "unfold gradients",
          0,
          () -> backend.foldNormBackward(dw, weight, db, gamma, mean, var, 1e-5f, dw, dgamma));
    }

    Tensor data(Scope scope, Tensor x, Tensor dy) {
      Tensor dx = scope.allocate(x.type(), x.shape());
      timed("data " + stage, flops(dy), () -> backend.convBackwardData(packed, dy, dx));
      return dx;
    }
  }

  /** A bottleneck and what its last forward pass kept. */
  private final class Block {
    final Conv[] conv = new Conv[3];
    final Conv down;
    Tensor[] kept;

    Block(Scope scope, String stage, int in, int mid, int stride, boolean first) {
      conv[0] = new Conv(scope, stage, ConvSpec.pointwise(in, mid));
      conv[1] = new Conv(scope, stage, new ConvSpec(mid, mid, 3, stride, 1, 1));
      conv[2] = new Conv(scope, stage, ConvSpec.pointwise(mid, 4 * mid));
      down = first ? new Conv(scope, stage, new ConvSpec(in, 4 * mid, 1, stride, 0, 1)) : null;
    }

    Tensor forward(Scope scope, Tensor x) {
      Tensor a = conv[0].forward(scope, x, null, true);
      Tensor b = conv[1].forward(scope, a, null, true);
      Tensor rest = down == null ? x : down.forward(scope, x, null, false);
      Tensor y = conv[2].forward(scope, b, rest, true);
      kept = new Tensor[] {x, a, b, y};
      if (!conv[0].trained()) {
        a.release();
        b.release();
        if (down != null) {
          rest.release();
        }
        x.release();
      }
      return y;
    }

    /** Two summands of the input's gradient from the gradient before the last activation. */
    Tensor[] backward(Scope scope, Tensor d, boolean wantsInput) {
      conv[2].weights(kept[2], d);
      Tensor db = conv[2].data(scope, kept[2], d);
      mask(kept[2], db, null);
      conv[1].weights(kept[1], db);
      Tensor da = conv[1].data(scope, kept[1], db);
      mask(kept[1], da, null);
      conv[0].weights(kept[0], da);
      if (down != null) {
        down.weights(kept[0], d);
      }
      Tensor[] result = null;
      if (wantsInput) {
        result =
            new Tensor[] {
              conv[0].data(scope, kept[0], da), down == null ? d : down.data(scope, kept[0], d)
            };
      }
      db.release();
      da.release();
      return result;
    }
  }

  private void mask(Tensor y, Tensor dy, Tensor extra) {
    timed("relu backward", 0, () -> backend.reluBackward(y, dy, extra, dy));
  }

  private ConvStack(Backend backend) {
    this.backend = backend;
  }

  private Tensor random(Scope scope, float deviation, long... sizes) {
    Tensor tensor = scope.f32(sizes);
    CounterRandom random = CounterRandom.of(1, sizes[0]);
    float[] values = new float[Math.toIntExact(tensor.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextDouble() * 2 - 1) * 1.7f * deviation;
    }
    backend.upload(values, tensor);
    return tensor;
  }

  private Tensor constant(Scope scope, long size, float value) {
    Tensor tensor = scope.f32(size);
    backend.fill(tensor, value);
    return tensor;
  }

  private void timed(String what, double flops, Runnable task) {
    long start = System.nanoTime();
    task.run();
    long took = System.nanoTime() - start;
    spent.computeIfAbsent(what, w -> new long[1])[0] += took;
    work.computeIfAbsent(what, w -> new double[1])[0] += flops;
  }

  private void build(Scope scope) {
    stem = new Conv(scope, "stem", new ConvSpec(3, 64, 7, 2, 3, 1));
    int[] depths = {3, 4, 23, 3};
    int[] strides = {1, 2, 2, 1};
    int in = 64;
    for (int layer = 0; layer < 4; layer++) {
      int mid = 64 << layer;
      List<Block> blocks = new ArrayList<>();
      for (int b = 0; b < depths[layer]; b++) {
        String stage = "layer" + (layer + 1);
        blocks.add(new Block(scope, stage, in, mid, b == 0 ? strides[layer] : 1, b == 0));
        in = 4 * mid;
      }
      layers.add(blocks);
    }
  }

  private void step(int batch, int size) {
    for (List<Block> layer : layers.subList(2, 4)) {
      for (Block block : layer) {
        for (Conv conv : block.conv) {
          conv.load();
        }
        if (block.down != null) {
          block.down.load();
        }
      }
    }
    try (Scope scope = backend.scope()) {
      Tensor image = random(scope, 1, batch, size, size, 3);
      long start = System.nanoTime();
      Tensor full = stem.forward(scope, image, null, true);
      long half = (full.shape().size(1) - 1) / 2 + 1;
      Tensor x = scope.f32(batch, half, half, 64);
      Tensor source = full;
      Tensor target = x;
      timed("max pool", 0, () -> backend.maxPool(source, target, null));
      full.release();
      for (List<Block> layer : layers) {
        for (Block block : layer) {
          x = block.forward(scope, x);
        }
      }
      Tensor d = scope.allocate(x.type(), x.shape());
      backend.fill(d, 1e-3f);
      mask(x, d, null);
      List<Block> trained = new ArrayList<>(layers.get(2));
      trained.addAll(layers.get(3));
      for (int i = trained.size() - 1; i >= 0; i--) {
        Block block = trained.get(i);
        Tensor[] dx = block.backward(scope, d, i > 0);
        if (dx != null) {
          mask(block.kept[0], dx[0], dx[1]);
          d.release();
          d = dx[0];
        }
      }
      spent.computeIfAbsent("~ forward and backward", w -> new long[1])[0] +=
          System.nanoTime() - start;
    }
  }

  private void report(int steps) {
    double total = 0;
    for (var entry : spent.entrySet()) {
      double seconds = entry.getValue()[0] * 1e-9 / steps;
      double flops = work.getOrDefault(entry.getKey(), new double[1])[0] / steps;
      System.out.printf(
          Locale.ROOT,
          "%-24s %7.1f ms %s%n",
          entry.getKey(),
          seconds * 1e3,
          flops == 0 ? "" : String.format(Locale.ROOT, "%6.1f GFLOP/s", flops / seconds / 1e9));
      total += entry.getKey().startsWith("~") ? 0 : seconds;
    }
    System.out.printf(Locale.ROOT, "step %.1f ms%n", total * 1e3);
  }

  public static void main(String[] args) throws Exception {
    int batch = Integer.parseInt(args[0]);
    int size = Integer.parseInt(args[1]);
    int steps = Integer.parseInt(args[2]);
    try (CpuBackend backend = CpuBackend.open(CpuOptions.standard())) {
      backend.run(
          () -> {
            ConvStack stack = new ConvStack(backend);
            try (Scope scope = backend.scope()) {
              stack.build(scope);
              stack.step(batch, size);
              for (int s = 0; s < steps; s++) {
                stack.spent.clear();
                stack.work.clear();
                stack.step(batch, size);
                stack.report(1);
              }
            }
          });
      System.out.println(backend.memoryStatistics());
    }
    java.nio.file.Files.lines(java.nio.file.Path.of("/proc/self/status"))
        .filter(line -> line.startsWith("VmHWM"))
        .forEach(System.out::println);
  }
}
