package dev.wisp.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.PathIndex;
import dev.wisp.backend.reference.IrnReference;
import dev.wisp.backend.reference.Rounding;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class IrnGoldenTest {
  /** What the folder's README found of sparse products in float64, with a margin. */
  private static final double EXACT_WALK = 1e-10;

  @TestFactory
  List<DynamicTest> theMapsGiveTheGoldenLabelsThatIrnLearnsFrom() {
    return GoldenTests.of(new IrnLabelGolden(), KernelBackends.all());
  }

  @TestFactory
  List<DynamicTest> theRandomWalkEndsWhereTheDenseMatrixDoes() {
    return GoldenTests.of(new RandomWalkGolden(), KernelBackends.all());
  }

  @TestFactory
  List<DynamicTest> theWalkedMapsGiveTheGoldenPseudoLabels() {
    return GoldenTests.of(new PseudoLabelGolden(), KernelBackends.all());
  }

  @TestFactory
  List<DynamicTest> imagesGiveTheGoldenBoundariesAndDisplacements() {
    return GoldenTests.of(new IrnForwardGolden(), NetworkBackends.all());
  }

  @TestFactory
  List<DynamicTest> trainingGivesTheGoldenLossesGradientsAndWeights() {
    return GoldenTests.of(new IrnTrainGolden(), NetworkBackends.all());
  }

  @Test
  void inFloat64TheSparseWalkEqualsTheDenseOne() {
    GoldenFolder folder = GoldenSupport.open("irn_crf_deeplab");
    for (String stem : GoldenSupport.stems(folder, "random_walk")) {
      try (GoldenFile file = folder.file(stem)) {
        file.numbered().forEach(name -> checkExact(file, name));
      }
    }
  }

  private static void checkExact(GoldenFile file, String name) {
    int[] s = file.dims(name + "x");
    double[] expected = file.tensors().doubles(name + "rw64");
    double[] out = new double[expected.length];
    new IrnReference(Rounding.none())
        .randomWalk(
            file.tensors().doubles(name + "edge"),
            file.tensors().doubles(name + "x"),
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
