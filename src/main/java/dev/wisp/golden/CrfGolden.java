package dev.wisp.golden;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Dense CRF against pydensecrf: the raw lattice filter, probabilities and labels. */
public final class CrfGolden implements GoldenSubject {
  /** What the folder's README asks of an implementation of its tie rules. */
  private static final double PROBABILITY = 1e-4;

  private static final double FILTER = 1e-5;

  /** {@code lattice.gauss3}, {@code lattice.bilateral50_5}: deviations of positions and colours. */
  private static final Pattern LATTICE =
      Pattern.compile("lattice\\.(?:gauss|bilateral)(\\d+)(?:_(\\d+))?\\.vertices");

  /** {@code label_t10}, {@code soft_t10_80_13}: unary, steps, bilateral deviations if others. */
  private static final Pattern VARIANT =
      Pattern.compile("(label|soft)_t(\\d+)(?:_(\\d+)_(\\d+))?\\.argmax");

  @Override
  public String folder() {
    return "irn_crf_deeplab";
  }

  @Override
  public String files() {
    return "crf(_.+)?";
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    backend.run(() -> new Run(report, backend).check());
  }

  /** One file on one backend. */
  private static final class Run {
    private final GoldenCase report;
    private final GoldenFile file;
    private final Backend backend;
    private final int[] labels;
    private final int count;
    private final int h;
    private final int w;

    Run(GoldenCase report, Backend backend) {
      this.report = report;
      this.file = report.file();
      this.backend = backend;
      labels = bytes("labels");
      count = Arrays.stream(labels).max().orElseThrow() + 1;
      h = file.dims("labels")[0];
      w = file.dims("labels")[1];
    }

    private int[] bytes(String name) {
      byte[] bytes = file.tensors().bytes(name);
      int[] values = new int[bytes.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = bytes[i] & 0xff;
      }
      return values;
    }

    void check() {
      try (Scope scope = backend.scope()) {
        Tensor image = scope.f32(h, w, 3);
        int[] colours = bytes("image");
        float[] values = new float[colours.length];
        for (int i = 0; i < values.length; i++) {
          values[i] = colours[i];
        }
        backend.upload(values, image);
        int variants = 0;
        for (String name : file.tensors().names()) {
          Matcher lattice = LATTICE.matcher(name);
          Matcher variant = VARIANT.matcher(name);
          if (lattice.matches()) {
            checkFilter(scope, image, name.replace(".vertices", ""), lattice);
          } else if (variant.matches()) {
            checkVariant(scope, image, name.replace(".argmax", ""), variant);
            variants++;
          }
        }
        if (variants == 0) {
          throw new AssertionError("no variant in " + file.tensors().path());
        }
      }
    }

    private void checkFilter(Scope scope, Tensor image, String name, Matcher lattice) {
      boolean positions = lattice.group(2) == null;
      float spatial = Float.parseFloat(lattice.group(1));
      float colour = positions ? 1 : Float.parseFloat(lattice.group(2));
      float[] ones = new float[h * w];
      Arrays.fill(ones, 1);
      report.checkShare(
          name + ".filtered_ones",
          FILTER,
          filtered(scope, positions ? null : image, spatial, colour, ones, 1));
      float[] oneHot = new float[count * h * w];
      for (int p = 0; p < labels.length; p++) {
        oneHot[labels[p] * h * w + p] = 1;
      }
      report.checkShare(
          name + ".filtered_onehot",
          FILTER,
          filtered(scope, positions ? null : image, spatial, colour, oneHot, count));
    }

    private float[] filtered(
        Scope scope,
        @Nullable Tensor image,
        float spatial,
        float colour,
        float[] values,
        int channels) {
      Tensor source = scope.f32(channels, h, w);
      Tensor out = scope.f32(channels, h, w);
      backend.upload(values, source);
      backend.latticeFilter(image, spatial, colour, source, out);
      return backend.floats(out);
    }

    private void checkVariant(Scope scope, Tensor image, String name, Matcher variant) {
      boolean other = variant.group(3) != null;
      CrfOptions options =
          new CrfOptions(
              Integer.parseInt(variant.group(2)),
              3,
              3,
              other ? Float.parseFloat(variant.group(3)) : 50,
              other ? Float.parseFloat(variant.group(4)) : 5,
              10);
      Tensor unary = scope.f32(count, h, w);
      Tensor q = scope.f32(count, h, w);
      backend.upload(variant.group(1).equals("soft") ? soft() : hard(), unary);
      backend.denseCrf(unary, image, options, q);
      float[] probabilities = backend.floats(q);
      report.checkShare(name + ".Q", PROBABILITY, probabilities);
      int[] best = new int[h * w];
      for (int p = 0; p < best.length; p++) {
        for (int m = 1; m < count; m++) {
          if (probabilities[m * best.length + p] > probabilities[best[p] * best.length + p]) {
            best[p] = m;
          }
        }
      }
      report.checkExact(name + ".argmax", best);
    }

    private float[] hard() {
      float[] unary = new float[count * h * w];
      float right = (float) -Math.log(0.7);
      float wrong = (float) -Math.log(0.3 / (count - 1));
      for (int i = 0; i < unary.length; i++) {
        unary[i] = labels[i % labels.length] == i / labels.length ? right : wrong;
      }
      return unary;
    }

    private float[] soft() {
      float[] unary = file.tensors().floats("softmax");
      for (int i = 0; i < unary.length; i++) {
        unary[i] = (float) -Math.log(Math.max(unary[i], 1e-5f));
      }
      return unary;
    }
  }
}
