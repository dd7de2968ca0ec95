package dev.wisp.golden;

import static dev.wisp.golden.GoldenMismatch.require;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/** Structure seeds, prototypes and reactivation. */
public final class SeedGolden implements GoldenSubject {
  private static final float EPS = 1e-5f;

  @Override
  public String folder() {
    return "ae_sipe";
  }

  @Override
  public String files() {
    return "seed_proto(_.+)?";
  }

  @Override
  public List<String> cases(GoldenFile file) {
    return file.cases();
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    backend.run(() -> new Run(report, backend).check());
  }

  /** One case on one backend. */
  private static final class Run {
    final GoldenFile file;
    final GoldenCase report;
    final Backend backend;
    final int n;
    final int d;
    final int h;
    final int w;
    final int k;
    final float[] cam;
    final float[] label;
    final ClassRows all;
    final ClassRows present;

    Run(GoldenCase report, Backend backend) {
      this.file = report.file();
      this.backend = backend;
      this.report = report;
      int[] feature = file.dims(report.tensor("feature"));
      n = feature[0];
      d = feature[1];
      h = feature[2];
      w = feature[3];
      k = file.dims(report.tensor("cam"))[1];
      cam = file.tensors().floats(report.tensor("cam"));
      label = file.tensors().floats(report.tensor("label"));
      all = ClassRows.all(n, k - 1);
      int[][] classes = new int[n][];
      for (int b = 0; b < n; b++) {
        int image = b;
        require(labelled(b, 0), "the background is not labelled");
        classes[b] = IntStream.range(1, k).filter(id -> labelled(image, id)).toArray();
      }
      present = ClassRows.present(classes, k - 1);
    }

    private boolean labelled(int image, int id) {
      int inner = label.length / (n * k);
      return IntStream.range(0, inner).anyMatch(p -> label[(image * k + id) * inner + p] != 0);
    }

    void check() {
      try (Scope scope = backend.scope()) {
        Tensor feature = scope.f32(n, h, w, d);
        backend.upload(
            Layout.channelsLast(file.tensors().floats(report.tensor("feature")), n, d, h, w),
            feature);
        Tensor seeds = seeds(scope, feature);
        reactivation(scope, feature, seeds, "");
        if (report.has("resized_seeds")) {
          Tensor resized = scope.i32(n, h, w);
          backend.upload(resizedSeeds(), resized);
          reactivation(scope, feature, resized, "resized_");
        }
      }
    }

    private Tensor seeds(Scope scope, Tensor feature) {
      Tensor valid = scope.f32(n, h, w);
      backend.upload(valid(), valid);
      Tensor maps = scope.f32(all.rows(), h, w);
      backend.upload(cam, maps);
      Tensor seeds = scope.i32(n, h, w);
      Tensor iou = scope.f32(all.rows(), h, w);
      backend.structureSeeds(feature, maps, all, present, valid, EPS, seeds, iou);
      report.checkExact("seeds_index", backend.ints(seeds));
      report.checkExact("seeds", oneHot(backend.ints(seeds)));
      report.check("probs", softmax(backend.floats(iou)));
      if (absentMapsAreZero()) {
        // The compact list of present classes must give the same seeds.
        Tensor few = scope.f32(present.rows(), h, w);
        backend.upload(rowsOf(present, cam), few);
        Tensor again = scope.i32(n, h, w);
        backend.structureSeeds(feature, few, present, present, valid, EPS, again, null);
        report.checkExact("seeds_index", backend.ints(again));
      }
      return seeds;
    }

    /** A position is valid where the background's label is 1. */
    private float[] valid() {
      float[] valid = new float[n * h * w];
      int inner = label.length / (n * k);
      for (int i = 0; i < valid.length; i++) {
        int b = i / (h * w);
        valid[i] = label[b * k * inner + (inner == 1 ? 0 : i % (h * w))];
      }
      return valid;
    }

    private int[] oneHot(int[] seeds) {
      int[] hot = new int[n * k * h * w];
      for (int i = 0; i < seeds.length; i++) {
        if (seeds[i] >= 0) {
          hot[(i / (h * w) * k + seeds[i]) * h * w + i % (h * w)] = 1;
        }
      }
      return hot;
    }

    private double[] softmax(float[] iou) {
      double[] out = new double[iou.length];
      for (int b = 0; b < n; b++) {
        for (int p = 0; p < h * w; p++) {
          double sum = 0;
          for (int id = 0; id < k; id++) {
            sum += Math.exp(iou[(b * k + id) * h * w + p]);
          }
          for (int id = 0; id < k; id++) {
            int at = (b * k + id) * h * w + p;
            out[at] = Math.exp(iou[at]) / sum;
          }
        }
      }
      return out;
    }

    private boolean absentMapsAreZero() {
      for (int i = 0; i < cam.length; i++) {
        int row = i / (h * w);
        if (cam[i] != 0 && present.row(row / k, row % k) < 0) {
          return false;
        }
      }
      return true;
    }

    /** Rows of a list out of planar maps of all classes. */
    private float[] rowsOf(ClassRows rows, float[] full) {
      float[] out = new float[rows.rows() * h * w];
      for (int b = 0; b < n; b++) {
        for (int row = rows.begin(b); row < rows.end(b); row++) {
          System.arraycopy(full, (b * k + rows.id(row)) * h * w, out, row * h * w, h * w);
        }
      }
      return out;
    }

    private void reactivation(Scope scope, Tensor feature, Tensor seeds, String prefix) {
      Tensor prototypes = scope.f32(all.rows(), d);
      backend.prototypes(feature, seeds, all, prototypes);
      Tensor maps = scope.f32(all.rows(), h, w);
      backend.reactivate(feature, prototypes, all, scope.f32(n, h, w), scope.f32(all.rows()), maps);
      report.check(prefix + "prototypes", backend.floats(prototypes));
      report.check(prefix + "IS_cam", backend.floats(maps));
    }

    /** Seeds of another size, brought to the features' by nearest. */
    private int[] resizedSeeds() {
      int[] sizes = file.dims(report.tensor("resized_seeds"));
      int sh = sizes[2];
      int sw = sizes[3];
      int[] hot = file.ints(report.tensor("resized_seeds"));
      int[] seeds = new int[n * h * w];
      for (int i = 0; i < seeds.length; i++) {
        int b = i / (h * w);
        int row = i / w % h * sh / h;
        int col = i % w * sw / w;
        seeds[i] = -1;
        for (int id = 0; id < k; id++) {
          if (hot[((b * k + id) * sh + row) * sw + col] != 0) {
            seeds[i] = id;
          }
        }
      }
      return seeds;
    }
  }
}
