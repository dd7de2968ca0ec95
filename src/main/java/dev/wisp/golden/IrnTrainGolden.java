package dev.wisp.golden;

import static dev.wisp.golden.GoldenMismatch.require;

import dev.wisp.backend.Backend;
import dev.wisp.backend.PathIndex;
import dev.wisp.method.IrnConfig;
import dev.wisp.method.IrnNet;
import dev.wisp.method.Losses;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.Parameter.Group;
import dev.wisp.nn.Sgd;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntToDoubleFunction;

/** IRN's training: losses of pairs, gradients, two optimiser steps, the displacement mean. */
public final class IrnTrainGolden implements GoldenSubject {
  private static final int CLASSES = 20;

  // What the folder's README and metadata fix.
  private static final double MOMENTUM = 1e-4;
  private static final double WEIGHT_DECAY = 1e-4;
  private static final double POWER = 0.9;
  private static final int PADDED_ROWS = 17;
  private static final int PADDED_COLUMNS = 9;
  private static final int SHIFT = 16;

  @Override
  public String folder() {
    return "irn_crf_deeplab";
  }

  @Override
  public String files() {
    return "irn_train";
  }

  @Override
  public boolean wholeNetwork() {
    return true;
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    new Run(report, backend).check();
  }

  /** The file on one backend. */
  private static final class Run {
    private final GoldenCase report;
    private final GoldenFile file;
    private final Backend backend;
    private final int count;
    private final int side;
    private final PathIndex paths = PathIndex.of(10);
    private final TrainingBatch batch;

    Run(GoldenCase report, Backend backend) {
      this.report = report;
      this.file = report.file();
      this.backend = backend;
      count = file.dims("images")[0];
      side = file.dims("images")[1];
      float[] images = NetworkGolden.normalize(file.tensors().bytes("images"));
      for (int i = images.length / count; i < images.length; i++) {
        int y = i / 3 / side % side;
        int x = i / 3 % side;
        if (y >= side - PADDED_ROWS || x >= side - PADDED_COLUMNS) {
          images[i] = 0;
        }
      }
      batch = batch(images);
    }

    private TrainingBatch batch(float[] images) {
      byte[] masks = file.tensors().bytes("ir_labels");
      return new TrainingBatch(images, count, side, side, new int[count][0], null, masks, 0, 0);
    }

    void check() {
      report.check("input", NetworkGolden.planar(batch.images(), count, side * side, 3));
      try (IrnNet net = new IrnNet(backend, IrnConfig.published(CLASSES))) {
        IrnForwardGolden.fill(backend, net);
        net.setDisplacementMean(0, 0);
        Map<String, float[]> before = values(net.parameters());
        double[] rates = file.tensors().doubles("lr");
        Sgd.Options options =
            new Sgd.Options(
                Map.of(Group.BOUNDARY, rates[0], Group.DISPLACEMENT, rates[1]),
                MOMENTUM,
                WEIGHT_DECAY,
                Double.POSITIVE_INFINITY,
                2,
                POWER);
        checkCounts(net);
        try (Sgd sgd = backend.compute(() -> new Sgd(backend, trained(net), options))) {
          for (int step = 0; step < 2; step++) {
            checkMaps("s" + step + ".", net.outputs(batch));
            checkLosses("s" + step + ".", net.step(batch));
            checkGradients("s" + step + ".", net.parameters());
            require(
                backend.compute(() -> sgd.rate(Group.BOUNDARY)) == rates[2 * step],
                "step %d has another rate",
                step);
            require(
                backend.compute(() -> sgd.rate(Group.DISPLACEMENT)) == rates[2 * step + 1],
                "step %d has another rate",
                step);
            backend.run(sgd::step);
          }
        }
        checkWeights(before, net.parameters());
        report.check("displacement_mean", displacementMean(net));
      }
    }

    private static List<Parameter> trained(IrnNet net) {
      return net.parameters().stream()
          .filter(p -> p.group() == Group.BOUNDARY || p.group() == Group.DISPLACEMENT)
          .toList();
    }

    private Map<String, float[]> values(List<Parameter> parameters) {
      Map<String, float[]> values = new LinkedHashMap<>();
      for (Parameter parameter : parameters) {
        values.put(parameter.name(), backend.compute(() -> backend.floats(parameter.value())));
      }
      return values;
    }

    /** Pairs of each kind as the file marks them, pair by pair. */
    private void checkCounts(IrnNet net) {
      double[] counts = net.divisors(batch);
      String[] kinds = {"label.bg_pos", "label.fg_pos", "label.neg"};
      for (int kind = 0; kind < kinds.length; kind++) {
        long marked = 0;
        for (byte mark : file.tensors().bytes(kinds[kind])) {
          marked += mark;
        }
        report.checkDistance(kinds[kind], Math.abs(counts[kind] - marked), marked, 0);
      }
    }

    private interface Pair {
      double of(int image, int path, int source);
    }

    /** {@code [images, paths, sources]} of a function of pairs. */
    private double[] pairs(int h, int w, Pair pair) {
      int columns = paths.sourceColumns(w);
      int sources = paths.sourceRows(h) * columns;
      double[] values = new double[count * paths.count() * sources];
      for (int i = 0; i < values.length; i++) {
        int source = i % sources;
        values[i] =
            pair.of(
                i / sources / paths.count(),
                i / sources % paths.count(),
                source / columns * w + source % columns + paths.margin());
      }
      return values;
    }

    /** The losses of all pairs, never held by the engine, from the network's outputs. */
    private void checkMaps(String step, List<IrnNet.Field> outputs) {
      int h = outputs.getFirst().height() / count;
      int w = outputs.getFirst().width();
      float[] logits = outputs.getFirst().values();
      float[] vectors = outputs.getLast().values();
      Pair affinity =
          (image, path, source) -> {
            double highest = Double.NEGATIVE_INFINITY;
            for (int c = paths.begin(path); c < paths.begin(path + 1); c++) {
              double z = logits[image * h * w + source + paths.dy(c) * w + paths.dx(c)];
              highest = Math.max(highest, 1 / (1 + Math.exp(-z)));
            }
            return 1 - highest;
          };
      report.check(
          step + "pos_aff_loss_map",
          pairs(h, w, (n, path, p) -> -Math.log(affinity.of(n, path, p) + 1e-5)));
      report.check(
          step + "neg_aff_loss_map",
          pairs(h, w, (n, path, p) -> -Math.log(1 + 1e-5 - affinity.of(n, path, p))));
      report.check(step + "dp_bg_loss_map", displacements(h, w, vectors, path -> 0, path -> 0));
      report.check(
          step + "dp_fg_loss_map",
          displacements(
              h,
              w,
              vectors,
              path -> paths.dy(paths.begin(path)),
              path -> paths.dx(paths.begin(path))));
    }

    /** {@code [images, 2, paths, sources]} distances of displacements from a target. */
    private double[] displacements(
        int h, int w, float[] vectors, IntToDoubleFunction dy, IntToDoubleFunction dx) {
      double[] all = new double[0];
      for (int axis = 0; axis < 2; axis++) {
        int c = axis;
        double[] one =
            pairs(
                h,
                w,
                (image, path, source) -> {
                  int first = paths.begin(path);
                  int from = image * h * w + source;
                  int to = from + paths.dy(first) * w + paths.dx(first);
                  double target = c == 0 ? dy.applyAsDouble(path) : dx.applyAsDouble(path);
                  return Math.abs((double) vectors[2 * from + c] - vectors[2 * to + c] - target);
                });
        int each = one.length / count;
        all = axis == 0 ? new double[2 * one.length] : all;
        for (int image = 0; image < count; image++) {
          System.arraycopy(one, image * each, all, (2 * image + axis) * each, each);
        }
      }
      return all;
    }

    private void checkLosses(String step, Losses losses) {
      double[] values = {
        losses.part(Losses.AFFINITY_POSITIVE),
        losses.part(Losses.AFFINITY_NEGATIVE),
        losses.part(Losses.DISPLACEMENT_FOREGROUND),
        losses.part(Losses.DISPLACEMENT_BACKGROUND),
        losses.total()
      };
      report.check(step + "losses", values);
      double[] exact = file.tensors().doubles(step + "losses64");
      double relative = file.suggested(step + "losses", "rel_to_max");
      double largest = Arrays.stream(exact).max().orElseThrow();
      for (int i = 0; i < exact.length; i++) {
        report.checkDistance(
            step + "losses64", Math.abs(values[i] - exact[i]), largest, relative * largest);
      }
    }

    private void checkGradients(String step, List<Parameter> parameters) {
      int checked = 0;
      for (Parameter parameter : parameters) {
        String name = step + "grad." + parameter.name();
        if (!file.has(name + "@stats")) {
          require(!parameter.hasGradient(), "%s has a gradient", parameter);
          continue;
        }
        float[] gradient = backend.compute(() -> backend.floats(parameter.gradient()));
        double[] stats = file.tensors().doubles(name + "@stats");
        double allowed = file.suggested(name, "rel_l2") * stats[4];
        checkStats(name, gradient, stats, allowed);
        checkFirst(name + "@first16", gradient, allowed);
        checkFirst(step + "grad64." + parameter.name() + "@first16", gradient, allowed);
        checked++;
      }
      require(checked == 39, "%d gradients of the two branches", checked);
    }

    /** Sum, sum of absolute values, maximum, minimum and L2 norm against a distance in L2. */
    private void checkStats(String name, float[] values, double[] stats, double allowed) {
      double spread = Math.sqrt(values.length);
      double[] got = {0, 0, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, 0};
      for (float value : values) {
        got[0] += value;
        got[1] += Math.abs(value);
        got[2] = Math.max(got[2], value);
        got[3] = Math.min(got[3], value);
        got[4] += (double) value * value;
      }
      got[4] = Math.sqrt(got[4]);
      for (int i = 0; i < got.length; i++) {
        double tolerance = i < 2 ? allowed * spread : allowed;
        report.checkDistance(name, Math.abs(got[i] - stats[i]), stats[4], tolerance);
      }
    }

    private void checkFirst(String name, float[] values, double allowed) {
      double[] first = file.tensors().doubles(name);
      double squares = 0;
      for (int i = 0; i < first.length; i++) {
        squares += (values[i] - first[i]) * (values[i] - first[i]);
      }
      report.checkDistance(name, Math.sqrt(squares), allowed, allowed);
    }

    private void checkWeights(Map<String, float[]> before, List<Parameter> parameters) {
      Map<String, float[]> after = values(parameters);
      for (Parameter parameter : parameters) {
        float[] old = Objects.requireNonNull(before.get(parameter.name()));
        float[] now = Objects.requireNonNull(after.get(parameter.name()));
        String name = "after2." + parameter.name();
        if (!file.has(name + "@stats")) {
          require(Arrays.equals(now, old), "%s has changed", parameter);
          continue;
        }
        double change = 0;
        for (int i = 0; i < now.length; i++) {
          change += ((double) now[i] - old[i]) * ((double) now[i] - old[i]);
        }
        double allowed = file.suggested(name, "rel_l2_of_change") * Math.sqrt(change);
        checkStats(name, now, file.tensors().doubles(name + "@stats"), allowed);
        checkFirst(name + "@first16", now, allowed);
        checkFirst("after2_64." + parameter.name() + "@first16", now, allowed);
      }
    }

    /** Over two batches: the images, and the images rolled to the right. */
    private double[] displacementMean(IrnNet net) {
      double[] mean = new double[2];
      for (int k = 0; k < 2; k++) {
        double[] one = net.displacementMean(batch(rolled(k * SHIFT)));
        mean[0] += one[0] / 2;
        mean[1] += one[1] / 2;
      }
      return mean;
    }

    private float[] rolled(int columns) {
      float[] rolled = new float[batch.images().length];
      for (int i = 0; i < rolled.length; i++) {
        int x = i / 3 % side;
        int from = Math.floorMod(x - columns, side);
        rolled[i] = batch.images()[i + 3 * (from - x)];
      }
      return rolled;
    }
  }
}
