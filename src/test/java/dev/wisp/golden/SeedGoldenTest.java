package dev.wisp.golden;

import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class SeedGoldenTest {
  @TestFactory
  List<DynamicTest> seedsPrototypesAndReactivationGiveTheGoldenTensors() {
    return GoldenTests.of(new SeedGolden(), KernelBackends.all());
  }
}
