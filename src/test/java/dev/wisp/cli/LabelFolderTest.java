package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.TINY;
import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.io.NpzFile;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Labelling a user's folder in which not everything is a fine photograph. */
class LabelFolderTest {
  @TempDir static Path folder;
  private static Path weights = Path.of("");

  @BeforeAll
  static void trainALittle() {
    Path data = CliSupport.dataset(folder.resolve("data"));
    Path pretrain = folder.resolve("pretrain");
    wisp(TINY, "pretrain", "--data=" + data, "--run=" + pretrain).ok();
    Path encoder = pretrain.resolve("checkpoints/final.safetensors");
    wisp(
            TINY,
            "train",
            "--data=" + data,
            "--weights=" + encoder,
            "--run=" + folder.resolve("train"),
            "--set=training.epochs=1")
        .ok();
    weights = folder.resolve("train/checkpoints/final.safetensors");
  }

  private static byte[] pattern(int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (i * 31 % 251);
    }
    return bytes;
  }

  private static byte[] jpeg(WritableRaster raster) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ImageOutputStream stream = ImageIO.createImageOutputStream(out)) {
      writer.setOutput(stream);
      writer.write(null, new IIOImage(raster, null, null), null);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }

  private static byte[] jpeg(int bands) throws IOException {
    WritableRaster raster = Raster.createInterleavedRaster(0, 40, 30, bands, null);
    raster.setDataElements(0, 0, 40, 30, pattern(40 * 30 * bands));
    return jpeg(raster);
  }

  private static Path photos(String name) throws IOException {
    Path photos = Files.createDirectories(folder.resolve(name));
    ImageCodec.writePng(photos.resolve("plain.png"), new Image(40, 30, pattern(3 * 40 * 30)));
    ImageCodec.writePng(photos.resolve("dot.png"), new Image(1, 1, new byte[] {1, 2, 3}));
    ImageCodec.writePng(photos.resolve("large.png"), new Image(90, 70, pattern(3 * 90 * 70)));
    BufferedImage alpha = new BufferedImage(33, 21, BufferedImage.TYPE_INT_ARGB);
    alpha.setRGB(5, 5, 0x80FF0000);
    ImageIO.write(alpha, "png", photos.resolve("alpha.png").toFile());
    Files.write(photos.resolve("grey.jpg"), jpeg(1));
    Files.write(photos.resolve("cmyk.jpg"), jpeg(4));
    byte[] whole = jpeg(1);
    Files.write(photos.resolve("truncated.jpg"), Arrays.copyOf(whole, whole.length / 2));
    Files.write(photos.resolve("zero.jpg"), new byte[0]);
    Files.writeString(photos.resolve("text.png"), "not a picture");
    StringBuilder csv = new StringBuilder("image,labels\n");
    for (String image :
        List.of(
            "plain.png",
            "dot.png",
            "large.png",
            "alpha.png",
            "grey.jpg",
            "cmyk.jpg",
            "truncated.jpg",
            "zero.jpg",
            "text.png")) {
      csv.append(image).append(",rows;checks\n");
    }
    Files.writeString(photos.resolve("labels.csv"), csv.toString());
    Files.copy(folder.resolve("data/classes.txt"), photos.resolve("classes.txt"));
    return photos;
  }

  @Test
  void eachImageIsLabelledOrNamedAndTheOthersAreDone() throws IOException {
    Path photos = photos("photos");
    Path out = folder.resolve("out");
    CliSupport.Outcome outcome =
        wisp(
            "label",
            "--data=" + photos,
            "--weights=" + weights,
            "--out=" + out,
            "--max-pixels=2000",
            "--threads=1");
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCodes.SKIPPED);
    assertThat(outcome.err())
        .contains("3 images were skipped")
        .contains("truncated.jpg")
        .contains("zero.jpg")
        .contains("text.png");
    for (String[] expected :
        new String[][] {
          {"plain", "40", "30"},
          {"dot", "1", "1"},
          {"large", "90", "70"},
          {"alpha", "33", "21"},
          {"grey", "40", "30"},
          {"cmyk", "40", "30"}
        }) {
      Mask label = ImageCodec.readMask(out.resolve("labels").resolve(expected[0] + ".png"));
      assertThat(label.width()).isEqualTo(Integer.parseInt(expected[1]));
      assertThat(label.height()).isEqualTo(Integer.parseInt(expected[2]));
      for (byte id : label.index()) {
        assertThat(id).isIn((byte) 0, (byte) 1, (byte) 5);
      }
      try (NpzFile maps = NpzFile.open(out.resolve("maps").resolve(expected[0] + ".npz"))) {
        assertThat(maps.names()).containsExactlyInAnyOrder("0", "1", "5");
        assertThat(maps.shape("5")).containsExactly(label.height(), label.width());
        for (float value : maps.floats("5")) {
          assertThat(value).isBetween(0f, 1f);
        }
      }
    }
    CliSupport.Outcome again =
        wisp(
            "label",
            "--data=" + photos,
            "--weights=" + weights,
            "--out=" + out,
            "--max-pixels=2000",
            "--threads=1");
    assertThat(again.out()).contains("0 images labelled, 6 were already");
  }

  @Test
  void anInterruptedFolderGoesOnAndOtherSettingsAreRefused() throws IOException {
    Path out = folder.resolve("resumed");
    String[] command = {
      "label",
      "--data=" + folder.resolve("data"),
      "--list=val",
      "--weights=" + weights,
      "--out=" + out,
      "--threads=1"
    };
    assertThat(wisp(command).ok().out()).contains("3 images labelled");
    byte[] first = Files.readAllBytes(out.resolve("labels/val_000000.png"));
    byte[] maps = Files.readAllBytes(out.resolve("maps/val_000000.npz"));
    Files.delete(out.resolve("labels/val_000000.png"));
    Files.write(out.resolve("maps/val_000001.npz"), new byte[7]);
    assertThat(wisp(command).ok().out()).contains("2 images labelled, 1 were already");
    assertThat(Files.readAllBytes(out.resolve("labels/val_000000.png"))).isEqualTo(first);
    assertThat(Files.readAllBytes(out.resolve("maps/val_000000.npz"))).isEqualTo(maps);
    assertThat(wisp(List.of("--set=method.backgroundFactor=0.5"), command).error())
        .contains("other weights or settings");
    wisp(List.of("--set=method.backgroundFactor=0.5", "--force"), command).ok();
  }

  @Test
  void aLimitOfNoPixelsIsRefused() {
    assertThat(
            wisp(
                    "label",
                    "--data=" + folder.resolve("data"),
                    "--weights=" + weights,
                    "--out=" + folder.resolve("y"),
                    "--max-pixels=0")
                .error())
        .contains("labelling.maxPixels");
  }

  @Test
  void weightsOfOtherClassesAreRefused() throws IOException {
    Path photos = photos("others");
    Files.writeString(photos.resolve("classes.txt"), "rows\nchecks\n");
    assertThat(
            wisp(
                    "label",
                    "--data=" + photos,
                    "--weights=" + weights,
                    "--out=" + folder.resolve("x"))
                .error())
        .contains("was trained for the classes");
  }
}
