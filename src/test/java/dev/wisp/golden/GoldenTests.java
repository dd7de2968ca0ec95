package dev.wisp.golden;

import dev.wisp.backend.Backend;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.DynamicTest;

/** Makes one test of every case on every backend. */
final class GoldenTests {
  private GoldenTests() {}

  /** Compares one case on one backend; the report is finished by the caller. */
  interface Check {
    void run(GoldenCase report, Backend backend);
  }

  /**
   * Tests for the files whose names match; where there is none the calling test is skipped.
   *
   * @param pattern of the files' names without extension
   * @param cases of a file, at least one
   */
  static List<DynamicTest> of(
      GoldenSupport golden,
      String pattern,
      Function<GoldenFile, List<String>> cases,
      Map<String, Supplier<Backend>> backends,
      Check check) {
    List<DynamicTest> tests = new ArrayList<>();
    for (String stem : golden.stems(pattern)) {
      List<String> names;
      try (GoldenFile file = golden.file(stem)) {
        names = cases.apply(file);
      }
      backends.forEach(
          (label, backend) ->
              names.forEach(
                  name ->
                      tests.add(
                          DynamicTest.dynamicTest(
                              "%s %s on %s".formatted(stem, name, label),
                              () -> {
                                try (GoldenFile file = golden.file(stem);
                                    Backend engine = backend.get()) {
                                  file.start(name, label).run(report -> check.run(report, engine));
                                }
                              }))));
    }
    return tests;
  }
}
