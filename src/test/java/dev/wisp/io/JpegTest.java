package dev.wisp.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.CounterRandom;
import dev.wisp.common.WispException;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JpegTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"1, 1", "8, 8", "33, 17", "3, 41"})
  void aGreyJpegBecomesEqualChannelsWithoutGamma(int width, int height) throws IOException {
    byte[] jpeg = jpeg(width, height, 1, 128);
    Image image = ImageCodec.decode(file(jpeg));
    assertThat(image.width()).isEqualTo(width);
    assertThat(image.rgb()).hasSize(3 * width * height).containsOnly(128);
  }

  @ParameterizedTest
  @CsvSource({
    // Stored c, m, y, k; then Pillow's RGB of their complements.
    "255, 255, 255, 255, 255, 255, 255",
    "0, 255, 255, 255, 0, 255, 255",
    "10, 100, 200, 255, 10, 100, 200",
    "10, 100, 200, 130, 5, 51, 102",
    "77, 77, 3, 1, 0, 0, 0",
    "255, 128, 0, 200, 200, 100, 0",
  })
  void aCmykJpegIsConvertedFromInvertedInks(
      int c, int m, int y, int k, int red, int green, int blue) throws IOException {
    byte[] plain = jpeg(9, 5, 4, c, m, y, k);
    for (byte[] jpeg : List.of(plain, insert(plain, adobe(0)))) {
      Image image = ImageCodec.decode(file(jpeg));
      assertThat(Arrays.copyOf(image.rgb(), 3)).containsExactly(red, green, blue);
      assertThat(image.rgb()).hasSize(3 * 9 * 5);
    }
  }

  @Test
  void aYcckJpegIsTurnedToInksFirst() throws IOException {
    // Neutral chroma: all inks are the complement of the luma, so stored c = 255 - luma.
    byte[] neutral = insert(jpeg(9, 5, 4, 55, 128, 128, 255), adobe(2));
    assertThat(ImageCodec.decode(file(neutral)).rgb()).containsOnly(200);
    // luma 100, cb 90, cr 180: R 173, G 76, B 33; inks are the complements; k 255 keeps them.
    byte[] coloured = insert(jpeg(9, 5, 4, 100, 90, 180, 255), adobe(2));
    assertThat(Arrays.copyOf(ImageCodec.decode(file(coloured)).rgb(), 3))
        .containsExactly(255 - 173, 255 - 76, 255 - 33);
  }

  @Test
  void aColourJpegKeepsAFlatColour() throws IOException {
    // Bands are stored as they are: luma 100 with neutral chroma is a grey of 100.
    Image image = ImageCodec.decode(file(jpeg(17, 19, 3, 100, 128, 128)));
    assertThat(image.rgb()).containsOnly(100);
  }

  @Test
  void aColourProfileThatIsDamagedDoesNotMatter() throws IOException {
    ByteBuffer profile = ByteBuffer.allocate(40).putShort((short) 0xFFE2).putShort((short) 38);
    profile.put("ICC_PROFILE\0\1\1damaged".getBytes());
    for (int bands : new int[] {1, 3, 4}) {
      byte[] plain = jpeg(9, 5, bands, 200, 128, 128, 255);
      byte[] expected = ImageCodec.decode(file(plain)).rgb();
      byte[] profiled = insert(plain, profile.array());
      assertThat(ImageCodec.decode(file(profiled)).rgb()).isEqualTo(expected);
    }
  }

  @Test
  void aDamagedCmykJpegIsRefused() throws IOException {
    byte[] whole = jpeg(64, 64, 4, 10, 20, 30, 40);
    byte[] cut = Arrays.copyOf(whole, whole.length - 30);
    cut[cut.length - 2] = (byte) 0xFF;
    cut[cut.length - 1] = (byte) 0xD9;
    assertThatThrownBy(() -> ImageCodec.decode(file(cut)))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("damaged JPEG");
  }

  @Test
  void truncatedEmptyAndForeignFilesAreNamed() throws IOException {
    byte[] whole = noise(40, 30);
    for (int length = 0; length < whole.length; length += 1 + length / 20) {
      Path cut = file(Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> ImageCodec.decode(cut))
          .as("%d of %d bytes", length, whole.length)
          .isInstanceOf(WispException.class)
          .hasMessageStartingWith(cut.toString())
          .hasMessageNotContaining("\n");
    }
    assertThatThrownBy(() -> ImageCodec.decode(file(new byte[0]))).hasMessageContaining("empty");
    assertThatThrownBy(() -> ImageCodec.decode(file("GIF89a not a picture".getBytes())))
        .hasMessageContaining("neither a JPEG nor a PNG");
    assertThatThrownBy(() -> ImageCodec.size(folder.resolve("none.jpg")))
        .hasMessageContaining("no such file");
    assertThatThrownBy(() -> ImageCodec.decode(folder)).isInstanceOf(WispException.class);
  }

  @Test
  void aCutWhoseEndIsPatchedOnIsStillRefused() throws IOException {
    byte[] whole = noise(64, 64);
    byte[] cut = Arrays.copyOf(whole, whole.length / 2);
    cut[cut.length - 2] = (byte) 0xFF;
    cut[cut.length - 1] = (byte) 0xD9;
    assertThatThrownBy(() -> ImageCodec.decode(file(cut)))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("damaged JPEG");
  }

  @Test
  void bytesBetweenThePixelsAndTheEndDoNoHarm() throws IOException {
    byte[] whole = noise(16, 16);
    byte[] padded = Arrays.copyOf(whole, whole.length + 4);
    Arrays.fill(padded, whole.length - 2, whole.length + 2, (byte) 0x55);
    padded[whole.length + 2] = (byte) 0xFF;
    padded[whole.length + 3] = (byte) 0xD9;
    byte[] expected = ImageCodec.decode(file(whole)).rgb();
    assertThat(ImageCodec.decode(file(padded)).rgb()).isEqualTo(expected);
  }

  @Test
  void damagedJpegsNeverThrowAnythingElse() throws IOException {
    byte[] whole = noise(32, 24);
    CounterRandom random = CounterRandom.of(20, 4);
    for (int trial = 0; trial < 150; trial++) {
      byte[] damaged = whole.clone();
      // The headers above all: the coded pixels only make noise.
      damaged[2 + random.nextInt(600) % (damaged.length - 2)] = (byte) random.nextInt(256);
      Path path = file(damaged);
      try {
        ImageSize size = ImageCodec.size(path);
        assertThat(ImageCodec.decode(path).rgb()).hasSize((int) (3 * size.pixels()));
      } catch (WispException expected) {
        assertThat(expected.getMessage()).startsWith(path.toString()).doesNotContain("\n");
      }
    }
  }

  @Test
  void anAbsurdSizeIsRefusedBeforeMemoryIsTaken() throws IOException {
    byte[] jpeg = jpeg(8, 8, 3, 1, 2, 3);
    for (int i = 0; i + 9 < jpeg.length; i++) {
      if (jpeg[i] == (byte) 0xFF && jpeg[i + 1] == (byte) 0xC0) {
        Arrays.fill(jpeg, i + 5, i + 9, (byte) 0xFF);
        break;
      }
    }
    assertThatThrownBy(() -> ImageCodec.decode(file(jpeg)))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("65535x65535")
        .hasMessageContaining("scale it down first");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theOrientationIsAppliedOnlyWhenAsked(boolean littleEndian) throws IOException {
    // Two halves, dark on the left, told apart by their luma.
    WritableRaster raster = Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, 32, 16, 1, null);
    for (int i = 0; i < 32 * 16; i++) {
      raster.setSample(i % 32, i / 32, 0, i % 32 < 16 ? 20 : 220);
    }
    byte[] stored = encode(raster);
    // Where the dark half lies after turning: 0 left, 1 top, 2 right, 3 bottom.
    int[] dark = {0, 0, 2, 2, 0, 1, 1, 3, 3};
    for (int orientation = 1; orientation <= 8; orientation++) {
      Path path = file(insert(stored, exif(orientation, littleEndian)));
      assertThat(ImageCodec.decode(path).width()).isEqualTo(32);
      Image turned = ImageCodec.decode(path, true);
      boolean swapped = orientation >= 5;
      assertThat(turned.width()).isEqualTo(swapped ? 16 : 32);
      assertThat(ImageCodec.size(path, true))
          .isEqualTo(new ImageSize(turned.width(), turned.height()));
      int[][] probe = {{1, 8}, {8, 1}, {30, 8}, {8, 30}};
      int[] at = probe[dark[orientation]];
      assertThat(turned.rgb()[3 * (at[1] * turned.width() + at[0])])
          .as("orientation %d", orientation)
          .isEqualTo((byte) 20);
    }
    Path beyond = file(insert(stored, exif(9, littleEndian)));
    assertThat(ImageCodec.decode(beyond, true).width()).isEqualTo(32);
  }

  @Test
  void decodingFromSeveralThreadsGivesTheSameBytes()
      throws IOException, InterruptedException, ExecutionException {
    List<Path> files = new ArrayList<>();
    List<byte[]> expected = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      Path file = Files.write(folder.resolve(i + ".jpg"), noise(50 + i, 40));
      files.add(file);
      expected.add(ImageCodec.decode(file).rgb());
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<byte[]>> decoded = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        Path file = files.get(i % 6);
        decoded.add(threads.submit(() -> ImageCodec.decode(file).rgb()));
      }
      for (int i = 0; i < 60; i++) {
        assertThat(decoded.get(i).get()).isEqualTo(expected.get(i % 6));
      }
    }
  }

  private Path file(byte[] content) throws IOException {
    return Files.write(folder.resolve("picture.jpg"), content);
  }

  /** A JPEG with flat stored samples: no colour conversion on the way in. */
  private static byte[] jpeg(int width, int height, int bands, int... samples) throws IOException {
    WritableRaster raster =
        Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, width, height, bands, null);
    for (int i = 0; i < width * height * bands; i++) {
      raster.setSample(i / bands % width, i / bands / width, i % bands, samples[i % bands]);
    }
    return encode(raster);
  }

  private static byte[] noise(int width, int height) throws IOException {
    WritableRaster raster =
        Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, width, height, 3, null);
    CounterRandom random = CounterRandom.of(23, width, height);
    for (int i = 0; i < width * height * 3; i++) {
      raster.setSample(i / 3 % width, i / 3 / width, i % 3, random.nextInt(256));
    }
    return encode(raster);
  }

  private static byte[] encode(Raster raster) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ImageWriteParam param = writer.getDefaultWriteParam();
    param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
    param.setCompressionQuality(1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (var out = ImageIO.createImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.write(null, new IIOImage(raster, null, null), param);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  /** The JPEG with a segment right after its start. */
  private static byte[] insert(byte[] jpeg, byte[] segment) {
    return ByteBuffer.allocate(jpeg.length + segment.length)
        .put(jpeg, 0, 2)
        .put(segment)
        .put(jpeg, 2, jpeg.length - 2)
        .array();
  }

  private static byte[] adobe(int transform) {
    ByteBuffer segment = ByteBuffer.allocate(16).putShort((short) 0xFFEE).putShort((short) 14);
    segment.put("Adobe".getBytes()).putShort((short) 100).putShort((short) 0).putShort((short) 0);
    return segment.put((byte) transform).array();
  }

  private static byte[] exif(int orientation, boolean littleEndian) {
    ByteBuffer segment = ByteBuffer.allocate(36).putShort((short) 0xFFE1).putShort((short) 34);
    segment.put("Exif\0\0".getBytes());
    segment.order(littleEndian ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    segment.putShort((short) (littleEndian ? 0x4949 : 0x4D4D)).putShort((short) 42).putInt(8);
    segment.putShort((short) 1).putShort((short) 0x0112).putShort((short) 3).putInt(1);
    return segment.putShort((short) orientation).array();
  }
}
