package dev.wisp.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.CounterRandom;
import dev.wisp.common.WispException;
import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PNGs written by the JDK's encoder, an implementation of its own, read by ours. */
class PngTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "8, 3, false, 13, 7",
    "8, 3, true, 13, 7",
    "16, 3, false, 5, 9",
    "8, 4, false, 17, 3",
    "16, 4, true, 6, 5",
    "8, 1, false, 9, 9",
    "8, 1, true, 1, 1",
    "16, 1, false, 4, 2",
    "8, 2, false, 5, 5",
    "16, 2, true, 3, 11",
  })
  void colourAndGreyOfEveryDepthBecomeRgbAsPillowMakesIt(
      int depth, int bands, boolean interlaced, int width, int height) throws IOException {
    int type = depth == 8 ? DataBuffer.TYPE_BYTE : DataBuffer.TYPE_USHORT;
    boolean grey = bands < 3;
    boolean alpha = bands % 2 == 0;
    ComponentColorModel model =
        new ComponentColorModel(
            ColorSpace.getInstance(grey ? ColorSpace.CS_GRAY : ColorSpace.CS_sRGB),
            alpha,
            false,
            alpha ? Transparency.TRANSLUCENT : Transparency.OPAQUE,
            type);
    WritableRaster raster = Raster.createInterleavedRaster(type, width, height, bands, null);
    byte[] expected = new byte[3 * width * height];
    CounterRandom random = CounterRandom.of(20, depth, bands, width);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        for (int b = 0; b < bands; b++) {
          // Small numbers among the large: 16-bit grey is clipped, not scaled.
          int sample = random.nextInt(random.nextInt(2) == 0 ? 300 : 1 << depth) % (1 << depth);
          raster.setSample(x, y, b, sample);
          int value = depth == 8 ? sample : bands == 1 ? Math.min(sample, 255) : sample >> 8;
          int at = 3 * (y * width + x);
          if (grey && b == 0) {
            Arrays.fill(expected, at, at + 3, (byte) value);
          } else if (!grey && b < 3) {
            expected[at + b] = (byte) value;
          }
        }
      }
    }
    Path file = write(new BufferedImage(model, raster, false, null), interlaced);
    Image image = ImageCodec.decode(file);
    assertThat(image.rgb()).isEqualTo(expected);
    assertThat(ImageCodec.size(file)).isEqualTo(new ImageSize(width, height));
  }

  @ParameterizedTest
  @CsvSource({
    "1, false, 11",
    "2, false, 7",
    "4, true, 5",
    "8, false, 3",
    "8, true, 9",
    "1, true, 9"
  })
  void paletteIndicesComeBackExactlyAndColoursIgnoreTransparency(
      int depth, boolean interlaced, int width) throws IOException {
    int entries = 1 << depth;
    byte[][] colours = new byte[4][entries];
    CounterRandom random = CounterRandom.of(21, depth, width);
    for (byte[] channel : colours) {
      for (int i = 0; i < entries; i++) {
        channel[i] = (byte) random.nextInt(256);
      }
    }
    if (depth == 8) {
      // The JDK's encoder renumbers large palettes with transparency.
      Arrays.fill(colours[3], (byte) 255);
    }
    IndexColorModel model =
        new IndexColorModel(depth, entries, colours[0], colours[1], colours[2], colours[3]);
    int height = 6;
    BufferedImage picture =
        new BufferedImage(
            width,
            height,
            depth == 8 ? BufferedImage.TYPE_BYTE_INDEXED : BufferedImage.TYPE_BYTE_BINARY,
            model);
    byte[] index = new byte[width * height];
    byte[] rgb = new byte[3 * index.length];
    for (int i = 0; i < index.length; i++) {
      index[i] = (byte) random.nextInt(entries);
      picture.getRaster().setSample(i % width, i / width, 0, index[i] & 0xFF);
      for (int c = 0; c < 3; c++) {
        rgb[3 * i + c] = colours[c][index[i] & 0xFF];
      }
    }
    Path file = write(picture, interlaced);
    assertThat(ImageCodec.readMask(file).index()).isEqualTo(index);
    assertThat(ImageCodec.decode(file).rgb()).isEqualTo(rgb);
  }

  @ParameterizedTest
  @CsvSource({"1, 255", "2, 85", "4, 17"})
  void narrowGreyIsStretchedAsAPictureAndKeptAsAMask(int depth, int factor) throws IOException {
    int width = 5;
    byte[] samples = new byte[width];
    byte[] packed = new byte[(width * depth + 7) / 8];
    for (int i = 0; i < width; i++) {
      samples[i] = (byte) ((i + 1) % (1 << depth));
      int bit = i * depth;
      packed[bit / 8] |= (byte) (samples[i] << (8 - depth - bit % 8));
    }
    ByteArrayOutputStream raw = new ByteArrayOutputStream();
    raw.write(0);
    raw.writeBytes(packed);
    Path file = Files.write(folder.resolve("g.png"), png(width, 1, depth, 0, raw.toByteArray()));
    assertThat(ImageCodec.readMask(file).index()).isEqualTo(samples);
    byte[] rgb = ImageCodec.decode(file).rgb();
    for (int i = 0; i < width; i++) {
      assertThat(rgb[3 * i + 1] & 0xFF).isEqualTo(samples[i] * factor);
    }
  }

  @Test
  void masksAndPicturesComeBackAsWrittenAndTheJdkReadsThemToo() throws IOException {
    CounterRandom random = CounterRandom.of(22);
    for (int[] size : new int[][] {{1, 1}, {7, 3}, {131, 97}}) {
      byte[] index = new byte[size[0] * size[1]];
      byte[] rgb = new byte[3 * index.length];
      for (int i = 0; i < rgb.length; i++) {
        rgb[i] = (byte) random.nextInt(256);
        index[i / 3] = (byte) random.nextInt(256);
      }
      Path mask = folder.resolve("m.png");
      ImageCodec.writeMask(mask, new Mask(size[0], size[1], index));
      assertThat(ImageCodec.readMask(mask).index()).isEqualTo(index);
      BufferedImage read = ImageIO.read(mask.toFile());
      assertThat(read.getRGB(0, 0) & 0xFFFFFF).isEqualTo(VocPalette.rgb(index[0] & 0xFF));
      assertThat(read.getRaster().getSample(size[0] - 1, size[1] - 1, 0))
          .isEqualTo(index[index.length - 1] & 0xFF);
      Path picture = folder.resolve("p.png");
      ImageCodec.writePng(picture, new Image(size[0], size[1], rgb));
      assertThat(ImageCodec.decode(picture).rgb()).isEqualTo(rgb);
      assertThat(ImageIO.read(picture.toFile()).getRGB(0, 0) & 0xFF).isEqualTo(rgb[2] & 0xFF);
    }
  }

  @Test
  void thePaletteIsVocs() {
    assertThat(VocPalette.rgb(0)).isZero();
    assertThat(VocPalette.rgb(1)).isEqualTo(0x800000);
    assertThat(VocPalette.rgb(15)).isEqualTo(0xC08080);
    assertThat(VocPalette.rgb(255)).isEqualTo(0xE0E0C0);
  }

  @Test
  void damagedPngsNeverThrowAnythingElse() throws IOException {
    Path file = folder.resolve("p.png");
    ImageCodec.writeMask(file, new Mask(9, 4, new byte[36]));
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length += length < 64 ? 1 : 37) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> ImageCodec.decode(file))
          .isInstanceOf(WispException.class)
          .hasMessageStartingWith(file.toString());
    }
    for (int at = 0; at < whole.length; at++) {
      byte[] damaged = whole.clone();
      damaged[at] ^= 0x41;
      Files.write(file, damaged);
      assertThatThrownBy(() -> ImageCodec.readMask(file))
          .as("byte %d", at)
          .isInstanceOf(WispException.class)
          .hasMessageStartingWith(file.toString())
          .hasMessageNotContaining("\n");
    }
  }

  @Test
  void absurdSizesMissingPixelsAndColourMasksAreNamed() throws IOException {
    Path file = folder.resolve("x.png");
    Files.write(file, png(2_000_000, 2_000_000, 8, 0, new byte[10]));
    assertThatThrownBy(() -> ImageCodec.size(file)).hasMessageContaining("scale it down first");
    Files.write(file, png(10_000, 10_000, 8, 0, new byte[10]));
    assertThatThrownBy(() -> ImageCodec.decode(file)).hasMessageContaining("10000x10000 pixels in");
    Files.write(file, png(10, 10, 8, 0, new byte[30]));
    assertThatThrownBy(() -> ImageCodec.decode(file)).hasMessageContaining("pixels are missing");
    Files.write(file, png(1, 1, 8, 0, new byte[] {9, 0}));
    assertThatThrownBy(() -> ImageCodec.decode(file)).hasMessageContaining("row filter 9");
    Files.write(file, png(1, 1, 8, 3, new byte[] {0, 0}));
    assertThatThrownBy(() -> ImageCodec.decode(file)).hasMessageContaining("palette is missing");
    Files.write(file, png(0, 1, 8, 0, new byte[] {0, 0}));
    assertThatThrownBy(() -> ImageCodec.decode(file)).hasMessageContaining("0x1");
    Files.write(file, png(1, 1, 3, 2, new byte[] {0, 0}));
    assertThatThrownBy(() -> ImageCodec.decode(file)).hasMessageContaining("with 3 bits");
    Files.write(file, png(1, 1, 16, 0, new byte[] {0, 1, 0}));
    assertThatThrownBy(() -> ImageCodec.readMask(file)).hasMessageContaining("label 256");
    ImageCodec.writePng(file, new Image(1, 1, new byte[3]));
    assertThatThrownBy(() -> ImageCodec.readMask(file)).hasMessageContaining("a colour picture");
  }

  /** A PNG of these filtered rows, without a palette. */
  private static byte[] png(int width, int height, int depth, int colourType, byte[] rows)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ByteBuffer.allocate(8).putLong(0x89504E470D0A1A0AL).array());
    ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height);
    chunk(out, "IHDR", header.put((byte) depth).put((byte) colourType).array());
    ByteArrayOutputStream deflated = new ByteArrayOutputStream();
    try (var stream = new DeflaterOutputStream(deflated)) {
      stream.write(rows);
    }
    chunk(out, "IDAT", deflated.toByteArray());
    chunk(out, "IEND", new byte[0]);
    return out.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] content) {
    ByteBuffer chunk = ByteBuffer.allocate(12 + content.length).putInt(content.length);
    for (int i = 0; i < 4; i++) {
      chunk.put((byte) type.charAt(i));
    }
    chunk.put(content);
    CRC32 crc = new CRC32();
    crc.update(chunk.array(), 4, 4 + content.length);
    out.writeBytes(chunk.putInt((int) crc.getValue()).array());
  }

  private Path write(BufferedImage picture, boolean interlaced) throws IOException {
    Path file = folder.resolve("jdk.png");
    Files.deleteIfExists(file);
    ImageWriter writer =
        ImageIO.getImageWriters(ImageTypeSpecifier.createFromRenderedImage(picture), "png").next();
    ImageWriteParam param = writer.getDefaultWriteParam();
    param.setProgressiveMode(
        interlaced ? ImageWriteParam.MODE_DEFAULT : ImageWriteParam.MODE_DISABLED);
    try (var out = ImageIO.createImageOutputStream(file.toFile())) {
      writer.setOutput(out);
      writer.write(null, new IIOImage(picture, null, null), param);
    } finally {
      writer.dispose();
    }
    return file;
  }
}
