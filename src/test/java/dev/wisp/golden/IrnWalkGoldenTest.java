package dev.wisp.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.backend.PathIndex;
import dev.wisp.backend.reference.IrnReference;
import dev.wisp.backend.reference.Rounding;
import dev.wisp.io.Image;
import dev.wisp.method.BoundaryWalk;
import dev.wisp.method.CrfRefinement;
import dev.wisp.method.IrnLabels;
import dev.wisp.method.IrnNet;
import dev.wisp.method.Localization;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** IRN without its network: the labels it learns from, its random walk, its pseudo-labels. */
@Tag("golden")
class IrnWalkGoldenTest {
  /** The walk is float64 inside: what float32 results may be off. */
  private static final double WALK = 1e-6;

  /** What the folder's README found of sparse products in float64, with a margin. */
  private static final double EXACT_WALK = 1e-10;

  private static final int STRIDE = 4;

  private static GoldenSupport folder() {
    return GoldenSupport.open("irn_crf_deeplab");
  }

  /** {@code 1}, {@code 2}: what stands before the first dot of the tensors' names. */
  private static List<String> numbered(GoldenFile file) {
    List<String> cases =
        file.tensors().names().stream()
            .map(name -> name.substring(0, name.indexOf('.')))
            .distinct()
            .toList();
    assertThat(cases).as("cases in %s", file.tensors().path()).isNotEmpty();
    return cases;
  }

  private static List<DynamicTest> tests(String stem, GoldenTests.Check check) {
    // Names are CASE.TENSOR here, so a case is told by its tensors' full names.
    return GoldenTests.of(
        folder(),
        stem,
        file -> List.of(""),
        KernelBackends.all(),
        (report, backend) -> check.run(report, backend));
  }

  @TestFactory
  List<DynamicTest> theMapsGiveTheGoldenLabelsThatIrnLearnsFrom() {
    return tests(
        "cam2ir",
        (report, backend) ->
            numbered(report.file()).forEach(name -> labels(report, backend, name + ".")));
  }

  private static void labels(GoldenCase report, Backend backend, String name) {
    GoldenFile file = report.file();
    int[] s = file.dims(name + "IS_CAM");
    int[] ids = file.ints(name + "keys");
    byte[] pixels = file.tensors().bytes(name + "image");
    IrnLabels labels =
        IrnLabels.of(
            backend,
            new Image(s[2], s[1], pixels),
            new Localization(ids, s[1], s[2], file.tensors().floats(name + "IS_CAM")),
            file.tensors().doubles(name + "subpress")[0],
            CrfRefinement.CERTAINTY,
            CrfOptions.standard());
    report.checkExact(name + "fg_argmax", indices(labels.foreground(), ids));
    report.checkExact(name + "fg_crf", indices(labels.refinedForeground(), ids));
    report.checkExact(name + "bg_argmax", indices(labels.background(), ids));
    report.checkExact(name + "bg_crf", indices(labels.refinedBackground(), ids));
    report.checkExact(name + "ir_label", labels.label());
  }

  private static int[] indices(byte[] labels, int[] ids) {
    int[] indices = new int[labels.length];
    for (int i = 0; i < labels.length; i++) {
      indices[i] = Arrays.binarySearch(ids, labels[i] & 0xFF);
    }
    return indices;
  }

  @TestFactory
  List<DynamicTest> theRandomWalkEndsWhereTheDenseMatrixDoes() {
    return tests(
        "random_walk",
        (report, backend) ->
            numbered(report.file())
                .forEach(name -> backend.run(() -> walk(report, backend, name + "."))));
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

  @Test
  void inFloat64TheSparseWalkEqualsTheDenseOne() {
    try (GoldenFile file = folder().file("random_walk")) {
      for (String name : numbered(file)) {
        int[] s = file.dims(name + ".x");
        double[] expected = file.tensors().doubles(name + ".rw64");
        double[] out = new double[expected.length];
        new IrnReference(Rounding.none())
            .randomWalk(
                file.tensors().doubles(name + ".edge"),
                file.tensors().doubles(name + ".x"),
                s[1],
                s[2],
                PathIndex.of(5),
                10,
                256,
                out);
        double largest = Arrays.stream(expected).max().orElseThrow();
        assertThat(out).as(name).containsExactly(expected, within(EXACT_WALK * largest));
      }
    }
  }

  @TestFactory
  List<DynamicTest> theWalkedMapsGiveTheGoldenPseudoLabels() {
    return tests(
        "seg_label_tail",
        (report, backend) ->
            numbered(report.file()).forEach(name -> pseudoLabels(report, backend, name + ".")));
  }

  private static void pseudoLabels(GoldenCase report, Backend backend, String name) {
    GoldenFile file = report.file();
    int[] s = file.dims(name + "IS_CAM");
    int[] grid = file.dims(name + "edge");
    float[] maps = file.tensors().floats(name + "IS_CAM");
    BoundaryWalk walk =
        new BoundaryWalk(
            backend,
            new IrnNet.Field(grid[0], grid[1], 1, file.tensors().floats(name + "edge")),
            BoundaryWalk.Options.published());
    int size = s[1] * s[2];
    for (int k = 0; k < s[0]; k++) {
      walk.add(Arrays.copyOfRange(maps, k * size, (k + 1) * size), s[1], s[2]);
    }
    report.check(name + "cams_down_pow", walk.sharpened());
    float[] walked = walk.walked();
    report.checkShare(name + "rw64", 1e-5, walked);
    report.check(name + "rw", walked);
    report.check(name + "rw_up", walk.enlarged(s[1], s[2], STRIDE));
    byte[] labels = walk.labels(file.ints(name + "keys"), s[1], s[2], STRIDE);
    report.checkExact(name + "label", labels);
  }
}
