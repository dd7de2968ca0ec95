package dev.wisp.golden;

import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class PamrGoldenTest {
  @TestFactory
  List<DynamicTest> pamrGivesTheGoldenMaps() {
    return GoldenTests.of(new PamrGolden(), KernelBackends.all());
  }
}
