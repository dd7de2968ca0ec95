package dev.wisp.golden;

import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class CrfGoldenTest {
  @TestFactory
  List<DynamicTest> theDenseCrfGivesTheGoldenProbabilitiesAndLabels() {
    return GoldenTests.of(new CrfGolden(), KernelBackends.all());
  }
}
