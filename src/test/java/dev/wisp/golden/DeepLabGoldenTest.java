package dev.wisp.golden;

import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class DeepLabGoldenTest {
  @TestFactory
  List<DynamicTest> deepLabGivesTheGoldenScoresLossesGradientsAndStatistics() {
    return GoldenTests.of(new DeepLabGolden(), NetworkBackends.all());
  }
}
