package dev.wisp.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Decoded pictures against what Pillow and libjpeg-turbo gave, bit for bit. */
@Tag("golden")
class CodecGoldenTest {
  private static final Path FOLDER = Path.of(System.getProperty("wisp.golden"), "irn_crf_deeplab");

  @TestFactory
  Stream<DynamicTest> everyStoredPictureDecodesToTheStoredPixels() {
    Path file = FOLDER.resolve("codec.safetensors");
    List<DynamicTest> tests = new ArrayList<>();
    try (Safetensors stored = Safetensors.open(file)) {
      for (String name : stored.names()) {
        String[] part = name.split("\\.");
        if (name.startsWith("png.") && name.endsWith(".index")) {
          byte[] index = stored.bytes(name);
          long[] shape = stored.shape(name);
          tests.add(DynamicTest.dynamicTest(name, () -> png(part[1], shape, index)));
        } else if (name.startsWith("jpeg.") && name.endsWith(".sha256")) {
          byte[] sha = stored.bytes(name);
          long[] shape = stored.longs("jpeg." + part[1] + ".shape");
          String pixels = "jpeg." + part[1] + ".pixels";
          if (stored.contains(pixels)) {
            byte[] all = stored.bytes(pixels);
            tests.add(DynamicTest.dynamicTest(pixels, () -> jpeg(part[1], shape, sha, all, 1)));
          } else {
            int stride = (int) stored.longs(pixels + "@stride")[0];
            float[] sample = stored.floats(pixels + "@sample");
            byte[] some = new byte[sample.length];
            for (int i = 0; i < some.length; i++) {
              some[i] = (byte) (int) sample[i];
            }
            tests.add(
                DynamicTest.dynamicTest(pixels, () -> jpeg(part[1], shape, sha, some, stride)));
          }
        } else if (name.equals("voc_palette")) {
          byte[] palette = stored.bytes(name);
          tests.add(DynamicTest.dynamicTest(name, () -> report(name, VocPalette.bytes(), palette)));
        }
      }
    }
    assertThat(tests).as("cases in %s", file).isNotEmpty();
    return tests.stream();
  }

  private static void png(String name, long[] shape, byte[] index) {
    Mask mask = ImageCodec.readMask(FOLDER.resolve("png_" + name + ".png"));
    assertThat(new long[] {mask.height(), mask.width()}).isEqualTo(shape);
    report("png." + name, mask.index(), index);
  }

  private static void jpeg(String name, long[] shape, byte[] sha, byte[] expected, int stride)
      throws NoSuchAlgorithmException {
    Path file = FOLDER.resolve("jpeg_" + name + ".jpg");
    assertThat(Files.exists(file)).as("%s", file).isTrue();
    Image image = ImageCodec.decode(file);
    assertThat(new long[] {image.height(), image.width()}).isEqualTo(Arrays.copyOf(shape, 2));
    byte[] decoded = shape.length == 3 ? image.rgb() : every(image.rgb(), 3);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(decoded);
    report("jpeg." + name, every(decoded, stride), expected);
    assertThat(digest).as("sha256 of all pixels").isEqualTo(sha);
  }

  private static byte[] every(byte[] values, int stride) {
    byte[] some = new byte[(values.length + stride - 1) / stride];
    for (int i = 0; i < some.length; i++) {
      some[i] = values[i * stride];
    }
    return some;
  }

  private static void report(String name, byte[] actual, byte[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    int largest = 0;
    for (int i = 0; i < actual.length; i++) {
      largest = Math.max(largest, Math.abs((actual[i] & 0xFF) - (expected[i] & 0xFF)));
    }
    System.out.printf(
        "golden codec %-24s max abs %d  max rel %.3g  tolerance 0%n",
        name, largest, largest / 255.0);
    assertThat(largest).as("largest difference of %s", name).isZero();
  }
}
