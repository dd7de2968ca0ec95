package dev.wisp.golden;

import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class SgdGoldenTest {
  @TestFactory
  List<DynamicTest> optimiserStepsGiveTheGoldenWeights() {
    return GoldenTests.of(new SgdGolden(), NetworkBackends.all());
  }
}
