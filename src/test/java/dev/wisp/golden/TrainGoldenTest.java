package dev.wisp.golden;

import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class TrainGoldenTest {
  @TestFactory
  List<DynamicTest> aTrainingStepGivesTheGoldenLossesAndGradients() {
    return GoldenTests.of(new TrainGolden(), NetworkBackends.all());
  }
}
