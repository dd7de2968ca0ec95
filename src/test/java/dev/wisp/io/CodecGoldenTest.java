package dev.wisp.io;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.golden.GoldenFile;
import dev.wisp.golden.GoldenFolder;
import dev.wisp.golden.GoldenSupport;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

/** Decoded pictures against what Pillow and libjpeg-turbo gave, bit for bit. */
@Tag("golden")
class CodecGoldenTest {
  @TestFactory
  List<DynamicTest> everyStoredPictureDecodesToTheStoredPixels() {
    GoldenFolder golden = GoldenSupport.open("irn_crf_deeplab");
    List<DynamicTest> tests = new ArrayList<>();
    for (String stem : GoldenSupport.stems(golden, "codec(_.+)?")) {
      try (GoldenFile stored = golden.file(stem)) {
        List<String> names = stored.tensors().names();
        for (String name : names.stream().map(CodecGoldenTest::picture).distinct().toList()) {
          tests.add(DynamicTest.dynamicTest(name, comparison(golden, stem, name)));
        }
        assertThat(tests).as("cases in %s", stored.tensors().path()).isNotEmpty();
      }
    }
    return tests;
  }

  /** What a tensor belongs to: its name without the last part. */
  private static String picture(String tensor) {
    return tensor.startsWith("png.") || tensor.startsWith("jpeg.")
        ? tensor.substring(0, tensor.lastIndexOf('.'))
        : tensor;
  }

  private static Executable comparison(GoldenFolder golden, String stem, String name) {
    return () -> {
      try (GoldenFile file = golden.file(stem)) {
        if (name.startsWith("png.")) {
          png(file, golden.folder(), name);
        } else if (name.startsWith("jpeg.")) {
          jpeg(file, golden.folder(), name);
        } else {
          assertThat(name).as("a tensor that is not of a picture").isEqualTo("voc_palette");
          report(file, name, VocPalette.bytes());
        }
      }
    };
  }

  private static void png(GoldenFile file, Path folder, String name) {
    Mask mask = ImageCodec.readMask(folder.resolve(name.replaceFirst("\\.", "_") + ".png"));
    assertThat(new int[] {mask.height(), mask.width()}).isEqualTo(file.dims(name + ".index"));
    report(file, name + ".index", mask.index());
  }

  private static void jpeg(GoldenFile file, Path folder, String name)
      throws NoSuchAlgorithmException {
    Image image = ImageCodec.decode(folder.resolve(name.replaceFirst("\\.", "_") + ".jpg"));
    int[] shape = file.ints(name + ".shape");
    assertThat(new int[] {image.height(), image.width()}).isEqualTo(Arrays.copyOf(shape, 2));
    // A grey picture is stored as one channel; ours has three equal ones.
    boolean grey = shape.length == 2 || shape[2] == 1;
    byte[] decoded = grey ? every(image.rgb(), 3) : image.rgb();
    if (file.has(name + ".pixels")) {
      report(file, name + ".pixels", decoded);
    }
    assertThat(MessageDigest.getInstance("SHA-256").digest(decoded))
        .as("sha256 of all pixels of %s", name)
        .isEqualTo(file.tensors().bytes(name + ".sha256"));
  }

  private static byte[] every(byte[] values, int stride) {
    byte[] some = new byte[(values.length + stride - 1) / stride];
    for (int i = 0; i < some.length; i++) {
      some[i] = values[i * stride];
    }
    return some;
  }

  private static void report(GoldenFile file, String tensor, byte[] decoded) {
    double[] expected = file.values(tensor);
    byte[] actual = every(decoded, file.stride(tensor));
    assertThat(actual).hasSize(expected.length);
    double largest = 0;
    for (int i = 0; i < actual.length; i++) {
      largest = Math.max(largest, Math.abs((actual[i] & 0xFF) - expected[i]));
    }
    System.out.printf(
        "golden codec %-24s max abs %.0f, max rel %.3g, tolerance 0%s%n",
        tensor, largest, largest / 255, largest == 0 ? "" : " FAILED");
    assertThat(largest).as("largest difference of %s", tensor).isZero();
  }
}
