package dev.wisp.backend.reference;

import java.util.Arrays;

/** {@link dev.wisp.backend.GroupNormOps} on arrays; layouts and formulas as documented there. */
public final class GroupNormReference {
  private final Rounding r;

  public GroupNormReference(Rounding rounding) {
    this.r = rounding;
  }

  /** One image's group in {@code [n, positions, c]}. */
  private record Group(int image, int positions, int c, int first, int width) {
    int size() {
      return positions * width;
    }

    /** Index of its i-th element, position by position. */
    int at(int i) {
      return (image * positions + i / width) * c + first + i % width;
    }

    int channel(int i) {
      return first + i % width;
    }
  }

  private static Group group(int index, int positions, int c, int groups) {
    int width = c / groups;
    return new Group(index / groups, positions, c, index % groups * width, width);
  }

  /** x is {@code [n, positions, c]}, mean {@code [n, groups]}. */
  public void groupNormForward(
      double[] x,
      int n,
      int c,
      double[] gamma,
      double[] beta,
      double eps,
      boolean relu,
      double[] y,
      double[] mean,
      double[] invStd) {
    int groups = mean.length / n;
    for (int g = 0; g < mean.length; g++) {
      Group group = group(g, x.length / n / c, c, groups);
      double sum = 0;
      for (int i = 0; i < group.size(); i++) {
        sum = r.of(sum + x[group.at(i)]);
      }
      mean[g] = r.of(sum / group.size());
      double squares = 0;
      for (int i = 0; i < group.size(); i++) {
        double d = r.of(x[group.at(i)] - mean[g]);
        squares = r.of(squares + r.of(d * d));
      }
      double var = r.of(squares / group.size());
      invStd[g] = r.of(1 / r.of(Math.sqrt(r.of(var + eps))));
      for (int i = 0; i < group.size(); i++) {
        double normal = r.of(r.of(x[group.at(i)] - mean[g]) * invStd[g]);
        double value = r.of(r.of(gamma[group.channel(i)] * normal) + beta[group.channel(i)]);
        y[group.at(i)] = relu ? PointwiseReference.relu(value) : value;
      }
    }
  }

  /** x and dy are {@code [n, positions, c]}; dgamma and dbeta are overwritten. */
  public void groupNormBackward(
      double[] x,
      double[] dy,
      int n,
      int c,
      double[] gamma,
      double[] mean,
      double[] invStd,
      double[] dx,
      double[] dgamma,
      double[] dbeta) {
    Arrays.fill(dgamma, 0);
    Arrays.fill(dbeta, 0);
    int groups = mean.length / n;
    for (int g = 0; g < mean.length; g++) {
      Group group = group(g, x.length / n / c, c, groups);
      double[] normal = new double[group.size()];
      double[] scaled = new double[group.size()];
      double sum = 0;
      double product = 0;
      for (int i = 0; i < group.size(); i++) {
        double gradient = dy[group.at(i)];
        int channel = group.channel(i);
        normal[i] = r.of(r.of(x[group.at(i)] - mean[g]) * invStd[g]);
        scaled[i] = r.of(gamma[channel] * gradient);
        sum = r.of(sum + scaled[i]);
        product = r.of(product + r.of(scaled[i] * normal[i]));
        dbeta[channel] = r.of(dbeta[channel] + gradient);
        dgamma[channel] = r.of(dgamma[channel] + r.of(gradient * normal[i]));
      }
      double meanOf = r.of(sum / group.size());
      double meanProduct = r.of(product / group.size());
      for (int i = 0; i < group.size(); i++) {
        double centred = r.of(r.of(scaled[i] - meanOf) - r.of(normal[i] * meanProduct));
        dx[group.at(i)] = r.of(invStd[g] * centred);
      }
    }
  }
}
