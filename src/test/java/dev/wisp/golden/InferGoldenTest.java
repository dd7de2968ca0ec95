package dev.wisp.golden;

import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class InferGoldenTest {
  @TestFactory
  List<DynamicTest> localisationAndValidationGiveTheGoldenMaps() {
    return GoldenTests.of(new InferGolden(), NetworkBackends.all());
  }
}
