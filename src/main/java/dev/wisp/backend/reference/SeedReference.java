package dev.wisp.backend.reference;

import dev.wisp.backend.ClassRows;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link dev.wisp.backend.SeedOps} on arrays; layouts and formulas as documented there. */
public final class SeedReference {
  private static final double COSINE_EPS = 1e-8;

  private final Rounding r;
  private final NormReference norms;

  public SeedReference(Rounding rounding) {
    this.r = rounding;
    this.norms = new NormReference(rounding);
  }

  /** feature is {@code [n, positions, d]}; valid and iou may be null. */
  public void structureSeeds(
      double[] feature,
      int d,
      double[] maps,
      ClassRows classes,
      ClassRows present,
      double @Nullable [] valid,
      double eps,
      int[] seeds,
      double @Nullable [] iou) {
    int n = classes.images();
    int positions = n == 0 ? 0 : seeds.length / n;
    double[] unit = new double[feature.length];
    norms.l2Normalize(feature, d, eps, unit, new double[n * positions]);
    for (int b = 0; b < n; b++) {
      int begin = classes.begin(b);
      int rows = classes.end(b) - begin;
      double[] mass = new double[rows];
      for (int k = 0; k < rows; k++) {
        for (int q = 0; q < positions; q++) {
          mass[k] = r.of(mass[k] + maps[(begin + k) * positions + q]);
        }
      }
      for (int p = 0; p < positions; p++) {
        double total = 0;
        double[] inter = new double[rows];
        for (int q = 0; q < positions; q++) {
          double cosine =
              norms.dot(unit, (b * positions + p) * d, unit, (b * positions + q) * d, d);
          double s = PointwiseReference.relu(cosine);
          total = r.of(total + s);
          for (int k = 0; k < rows; k++) {
            inter[k] = r.of(inter[k] + r.of(s * maps[(begin + k) * positions + q]));
          }
        }
        int winner = -1;
        double best = 0;
        for (int id = 0; id < classes.total(); id++) {
          int row = classes.row(b, id);
          double value;
          if (row < 0) {
            value = 0 / total;
          } else {
            int k = row - begin;
            double union = r.of(r.of(total + mass[k]) - inter[k]);
            value = r.of(inter[k] / union) * (id == 0 ? 0.5 : 1);
            if (iou != null) {
              iou[row * positions + p] = value;
            }
          }
          if (winner < 0 || MapReference.beats(value, best)) {
            winner = id;
            best = value;
          }
        }
        int at = b * positions + p;
        boolean kept = present.row(b, winner) >= 0 && (valid == null || valid[at] != 0);
        seeds[at] = kept ? winner : -1;
      }
    }
  }

  /** feature is {@code [n, positions, d]}, prototypes {@code [rows, d]}. */
  public void prototypes(
      double[] feature, int d, int[] seeds, ClassRows classes, double[] prototypes) {
    Arrays.fill(prototypes, 0);
    int n = classes.images();
    int positions = n == 0 ? 0 : seeds.length / n;
    for (int i = 0; i < seeds.length; i++) {
      int row = classes.row(i / positions, seeds[i]);
      for (int c = 0; c < d && row >= 0; c++) {
        prototypes[row * d + c] = r.of(prototypes[row * d + c] + feature[i * d + c]);
      }
    }
    for (int i = 0; i < prototypes.length; i++) {
      prototypes[i] = r.of(prototypes[i] / positions);
    }
  }

  /** Adds to dFeature. */
  public void prototypesBackward(
      double[] dPrototypes, int d, int[] seeds, ClassRows classes, double[] dFeature) {
    int n = classes.images();
    int positions = n == 0 ? 0 : seeds.length / n;
    for (int i = 0; i < seeds.length; i++) {
      int row = classes.row(i / positions, seeds[i]);
      for (int c = 0; c < d && row >= 0; c++) {
        double g = r.of(dPrototypes[row * d + c] / positions);
        dFeature[i * d + c] = r.of(dFeature[i * d + c] + g);
      }
    }
  }

  /** feature is {@code [n, positions, d]}, prototypes {@code [rows, d]}. */
  public void reactivate(
      double[] feature,
      int d,
      double[] prototypes,
      ClassRows classes,
      double[] featureNorms,
      double[] prototypeNorms,
      double[] maps) {
    int n = classes.images();
    int positions = n == 0 ? 0 : featureNorms.length / n;
    for (int i = 0; i < featureNorms.length; i++) {
      featureNorms[i] = norms.norm(feature, i * d, d);
    }
    for (int b = 0; b < n; b++) {
      for (int row = classes.begin(b); row < classes.end(b); row++) {
        prototypeNorms[row] = norms.norm(prototypes, row * d, d);
        double pn = Math.max(prototypeNorms[row], COSINE_EPS);
        for (int p = 0; p < positions; p++) {
          int i = b * positions + p;
          double fn = Math.max(featureNorms[i], COSINE_EPS);
          double dot = norms.dot(feature, i * d, prototypes, row * d, d);
          maps[row * positions + p] = PointwiseReference.relu(r.of(r.of(dot / fn) / pn));
        }
      }
    }
  }

  /** Adds to dFeature, overwrites dPrototypes. */
  public void reactivateBackward(
      double[] feature,
      int d,
      double[] prototypes,
      ClassRows classes,
      double[] featureNorms,
      double[] prototypeNorms,
      double[] maps,
      double[] dMaps,
      double[] dFeature,
      double[] dPrototypes) {
    Arrays.fill(dPrototypes, 0);
    int n = classes.images();
    int positions = n == 0 ? 0 : featureNorms.length / n;
    for (int b = 0; b < n; b++) {
      for (int row = classes.begin(b); row < classes.end(b); row++) {
        double pn = Math.max(prototypeNorms[row], COSINE_EPS);
        for (int p = 0; p < positions; p++) {
          double cosine = maps[row * positions + p];
          if (!(cosine > 0)) {
            continue;
          }
          int i = b * positions + p;
          double fn = Math.max(featureNorms[i], COSINE_EPS);
          // A clamped norm is a constant: the term that turns the vector vanishes.
          double fTurn = featureNorms[i] < COSINE_EPS ? 0 : cosine;
          double pTurn = prototypeNorms[row] < COSINE_EPS ? 0 : cosine;
          double g = dMaps[row * positions + p];
          for (int c = 0; c < d; c++) {
            double u = r.of(feature[i * d + c] / fn);
            double v = r.of(prototypes[row * d + c] / pn);
            double df = r.of(r.of(v - r.of(fTurn * u)) / fn);
            double dp = r.of(r.of(u - r.of(pTurn * v)) / pn);
            dFeature[i * d + c] = r.of(dFeature[i * d + c] + r.of(g * df));
            dPrototypes[row * d + c] = r.of(dPrototypes[row * d + c] + r.of(g * dp));
          }
        }
      }
    }
  }
}
