package dev.wisp.golden;

import dev.wisp.backend.Backend;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.DynamicTest;

/** Makes one test of every case on every backend. */
final class GoldenTests {
  private GoldenTests() {}

  /** Tests of a subject; where there are no files the calling test is skipped. */
  static List<DynamicTest> of(GoldenSubject subject, Map<String, Supplier<Backend>> backends) {
    GoldenFolder golden = GoldenSupport.open(subject.folder());
    List<DynamicTest> tests = new ArrayList<>();
    for (String stem : GoldenSupport.stems(golden, subject.files())) {
      List<String> names;
      try (GoldenFile file = golden.file(stem)) {
        names = subject.cases(file);
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
                                  System.out.println(
                                      file.start(name, label)
                                          .run(report -> subject.check(golden, report, engine)));
                                }
                              }))));
    }
    return tests;
  }
}
