package dev.wisp.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.pipeline.Demo;
import dev.wisp.pipeline.Overlay;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The report as a browser shows it. */
class ScreenshotTest {
  private static final int PAPER = 0xfbfaf8;
  private static final int DARK_PAPER = 0x14161a;
  private static final int BLUE = 0x2563c9;

  @TempDir static Path folder;
  private static Path page = Path.of("");
  private static Demo.Result demo;
  private static Browser browser;

  @BeforeAll
  static void writeAReport() {
    browser = Browser.open(folder);
    demo = DemoRun.in(folder.resolve("run"));
    page = folder.resolve("report.html");
    Reports.write(folder.resolve("run"), null, page, RunCollector.Limits.STANDARD);
  }

  @Test
  void theScriptLaysTheLayersOnEachOtherAndShowsTheLabel() throws Exception {
    String document = browser.document(page);
    assertThat(document).contains("<html lang=\"en\" class=\"js\">");
    // Of each picture the five layers up to the label are opaque, the truth above it is not.
    assertThat(count(document, "style=\"opacity: 1;\"")).isEqualTo(5 * DemoRun.IMAGES);
    assertThat(count(document, "style=\"opacity: 0;\"")).isEqualTo(DemoRun.IMAGES);
    assertThat(count(document, "aria-valuetext=\"Label\"")).isEqualTo(DemoRun.IMAGES);
    assertThat(document)
        .contains("data-all=\"Label\" aria-pressed=\"true\"")
        .contains("data-all=\"CAM\" aria-pressed=\"false\"")
        .contains("Worst images", "Norm of the gradient", Numbers.percent(demo.labelScore()));
  }

  @Test
  void theScreenshotShowsBarsChartsAndPhotographs() throws Exception {
    Image picture = ImageCodec.decode(browser.picture(page, 1200, 3200));
    assertThat(picture.width()).isEqualTo(1200);
    assertThat(picture.height()).isEqualTo(3200);
    assertThat(pixels(picture, PAPER)).isGreaterThan(1200 * 3200 / 4);
    // Dots, diagonal of the confusion and curves.
    assertThat(pixels(picture, BLUE)).isGreaterThan(300);
    // The bar and the swatch of every class that scored at all.
    List<Double> iou =
        RunCollector.collect(
                RunLayout.find(folder.resolve("run"), null), RunCollector.Limits.STANDARD, "today")
            .scores()
            .getLast()
            .iou();
    for (int id = 0; id < iou.size(); id++) {
      assertThat(pixels(picture, Overlay.colour(id))).as("class " + id).isGreaterThan(40);
    }
    // Flat colours and smoothed letters make some hundreds of colours; photographs make thousands.
    assertThat(colours(picture)).hasSizeGreaterThan(4000);
  }

  @Test
  void theReportFitsAPhoneAndFollowsItsDarkMode() throws Exception {
    Image picture =
        ImageCodec.decode(
            browser.picture(page, 500, 1600, "--blink-settings=preferredColorScheme=0"));
    assertThat(pixels(picture, DARK_PAPER)).isGreaterThan(500 * 1600 / 4);
    assertThat(pixels(picture, PAPER)).isZero();
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }

  private static int colour(Image image, int pixel) {
    byte[] rgb = image.rgb();
    return (rgb[3 * pixel] & 0xFF) << 16
        | (rgb[3 * pixel + 1] & 0xFF) << 8
        | rgb[3 * pixel + 2] & 0xFF;
  }

  private static int pixels(Image image, int colour) {
    int count = 0;
    for (int p = 0; p < image.width() * image.height(); p++) {
      if (colour(image, p) == colour) {
        count++;
      }
    }
    return count;
  }

  private static Set<Integer> colours(Image image) {
    Set<Integer> colours = new HashSet<>();
    for (int p = 0; p < image.width() * image.height(); p++) {
      colours.add(colour(image, p));
    }
    return colours;
  }
}
