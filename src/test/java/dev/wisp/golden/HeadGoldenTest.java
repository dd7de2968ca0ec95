package dev.wisp.golden;

import dev.wisp.backend.Backend;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class HeadGoldenTest {
  @TestFactory
  List<DynamicTest> theHeadGivesTheGoldenTensors() {
    Map<String, Supplier<Backend>> backends = new LinkedHashMap<>(KernelBackends.all());
    backends.putAll(NetworkBackends.all());
    return GoldenTests.of(new HeadGolden(), backends);
  }
}
