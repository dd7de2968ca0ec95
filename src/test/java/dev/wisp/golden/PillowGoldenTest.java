package dev.wisp.golden;

import dev.wisp.backend.cpu.PillowResize;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class PillowGoldenTest {
  @TestFactory
  Stream<DynamicTest> resizedImagesAndMasksEqualPillowsToTheBit() {
    GoldenSupport golden = GoldenSupport.open("ae_sipe");
    List<String> cases;
    try (GoldenFile file = golden.file("pil_resize")) {
      cases = file.cases("image_u8");
    }
    return cases.stream()
        .map(
            name ->
                DynamicTest.dynamicTest(
                    name,
                    () -> {
                      try (GoldenFile file = golden.file("pil_resize")) {
                        check(file, name);
                      }
                    }));
  }

  /** All sizes a case is stored at: they follow from the tensors' names and shapes. */
  private static void check(GoldenFile file, String name) {
    GoldenCase report = file.start(name, "cpu");
    for (String tensor : file.tensors().names()) {
      String suffix = tensor.substring(tensor.indexOf('/') + 1);
      if (!tensor.equals(report.tensor(suffix))) {
        continue;
      }
      int[] size = file.dims(tensor);
      if (suffix.startsWith("bicubic_")) {
        String source = report.tensor("image_u8");
        int[] from = file.dims(source);
        byte[] image = file.tensors().bytes(source);
        report.checkExact(
            suffix, PillowResize.bicubic(image, from[0], from[1], from[2], size[0], size[1]));
      } else if (suffix.startsWith("nearest_")) {
        String source = report.tensor("label_u8");
        int[] from = file.dims(source);
        byte[] mask = file.tensors().bytes(source);
        report.checkExact(suffix, PillowResize.nearest(mask, from[0], from[1], size[0], size[1]));
      }
    }
    report.finish();
  }
}
