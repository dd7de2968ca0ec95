package dev.wisp.golden;

import dev.wisp.backend.Backend;
import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** The random walk against powers of the dense matrix. */
public final class RandomWalkGolden implements GoldenSubject {
  /** The walk is float64 inside: what float32 results may be off. */
  private static final double WALK = 1e-6;

  @Override
  public String folder() {
    return "irn_crf_deeplab";
  }

  @Override
  public String files() {
    return "random_walk";
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    report.file().numbered().forEach(name -> backend.run(() -> walk(report, backend, name)));
  }

  private static void walk(GoldenCase report, Backend backend, String name) {
    GoldenFile file = report.file();
    int[] s = file.dims(name + "x");
    float[] edge = file.tensors().floats(name + "edge");
    float[] maps = file.tensors().floats(name + "x");
    report.checkShare(name + "rw64_times0", WALK, walked(backend, edge, maps, s, 1));
    report.checkShare(name + "rw64_times3", WALK, walked(backend, edge, maps, s, 8));
    float[] all = walked(backend, edge, maps, s, 256);
    report.checkShare(name + "rw64", WALK, all);
    report.check(name + "rw32", all);
    checkDiagonal(report, backend, name, edge, s);
  }

  /** From a map of ones a step takes 1 - boundary, from one of a single position its share. */
  private static void checkDiagonal(
      GoldenCase report, Backend backend, String name, float[] edge, int[] s) {
    double[] diagonal = report.file().tensors().doubles(name + "T_diagonal64");
    List<Integer> positions = new ArrayList<>();
    for (int p = 0; p < diagonal.length; p += 97) {
      positions.add(p);
    }
    float[] single = new float[positions.size() * diagonal.length];
    for (int k = 0; k < positions.size(); k++) {
      single[k * diagonal.length + positions.get(k)] = 1;
    }
    int[] sizes = {positions.size(), s[1], s[2]};
    float[] stepped = walked(backend, edge, single, sizes, 1);
    for (int k = 0; k < positions.size(); k++) {
      int p = positions.get(k);
      double share = stepped[k * diagonal.length + p] / (1.0 - edge[p]);
      report.checkDistance(
          name + "T_diagonal64", Math.abs(share - diagonal[p]), diagonal[p], WALK * diagonal[p]);
    }
  }

  private static float[] walked(Backend backend, float[] edge, float[] maps, int[] s, int steps) {
    try (Scope scope = backend.scope()) {
      Tensor boundary = scope.f32(s[1], s[2]);
      Tensor from = scope.f32(s[0], s[1], s[2]);
      Tensor to = scope.f32(s[0], s[1], s[2]);
      backend.upload(edge, boundary);
      backend.upload(maps, from);
      backend.randomWalk(boundary, from, PathIndex.of(5), 10, steps, to);
      return backend.floats(to);
    }
  }
}
