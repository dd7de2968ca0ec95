package dev.wisp.golden;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.cpu.PillowResize;
import dev.wisp.data.transform.Sizes;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

@Tag("golden")
class PillowGoldenTest {
  private static final String FILES = "pil_resize(_.+)?";

  @TestFactory
  List<DynamicTest> resizedImagesAndMasksEqualPillowsToTheBit() {
    GoldenFolder golden = GoldenSupport.open("ae_sipe");
    List<DynamicTest> tests = new ArrayList<>();
    for (String stem : GoldenSupport.stems(golden, FILES)) {
      try (GoldenFile stored = golden.file(stem)) {
        for (String name : stored.cases()) {
          tests.add(
              DynamicTest.dynamicTest(
                  stem + " " + name,
                  () -> {
                    try (GoldenFile file = golden.file(stem)) {
                      file.start(name, "cpu").run(PillowGoldenTest::check);
                    }
                  }));
        }
      }
    }
    return tests;
  }

  private static void check(GoldenCase report) {
    if (report.has("image_u8") || report.has("label_u8")) {
      checkPixels(report);
    } else {
      checkSizes(report);
    }
  }

  /** All sizes a case is stored at: they follow from the tensors' names and shapes. */
  private static void checkPixels(GoldenCase report) {
    GoldenFile file = report.file();
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
  }

  /** Rows of height, width, for {@code resize_long} the longer side, and both sizes afterwards. */
  private static void checkSizes(GoldenCase report) {
    GoldenFile file = report.file();
    if (report.has("rescale")) {
      int[] rows = file.ints(report.tensor("rescale"));
      double[] factors = file.tensors().doubles(report.tensor("rescale_scale"));
      assertThat(factors).hasSize(rows.length / 4);
      for (int i = 0; i < factors.length; i++) {
        put(Sizes.scaled(rows[4 * i], rows[4 * i + 1], factors[i]), rows, 4 * i + 2);
      }
      report.checkExact("rescale", rows);
    }
    if (report.has("resize_long")) {
      int[] rows = file.ints(report.tensor("resize_long"));
      for (int i = 0; i < rows.length; i += 5) {
        put(Sizes.longSide(rows[i], rows[i + 1], rows[i + 2]), rows, i + 3);
      }
      report.checkExact("resize_long", rows);
    }
  }

  private static void put(Sizes.Size size, int[] rows, int at) {
    rows[at] = size.height();
    rows[at + 1] = size.width();
  }
}
