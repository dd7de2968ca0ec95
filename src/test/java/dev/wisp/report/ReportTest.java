package dev.wisp.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.pipeline.Demo;
import dev.wisp.pipeline.Overlay;
import dev.wisp.pipeline.ResultTable;
import dev.wisp.pipeline.Showcase.Why;
import dev.wisp.report.ReportData.Layer;
import dev.wisp.report.ReportData.Picture;
import dev.wisp.report.ReportData.Score;
import dev.wisp.report.ReportData.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  @TempDir static Path folder;
  private static Path run = Path.of("");
  private static Demo.Result demo;

  @BeforeAll
  static void runTheDemo() {
    run = folder.resolve("small-demo");
    demo = DemoRun.in(run);
  }

  private static ReportData collect(RunCollector.Limits limits) {
    return RunCollector.collect(RunLayout.find(run, null), limits, "today");
  }

  private static ReportData collect() {
    return collect(RunCollector.Limits.STANDARD);
  }

  @Test
  void aDemosScoresAreThoseThatTheDemoMeasured() {
    List<Score> scores = collect().scores();
    assertThat(scores)
        .extracting(Score::name)
        .containsExactly("CAM", "IS-CAM", "AE-IS-CAM", "Label");
    assertThat(scores.getLast().miou().value()).isCloseTo(demo.labelScore(), within(1e-12));
    assertThat(scores.getLast().images()).isEqualTo(DemoRun.IMAGES);
    assertThat(scores.getLast().confusion()).isPresent();
    // The labels come from the last maps: every class scores the same.
    assertThat(scores.get(3).iou()).isEqualTo(scores.get(2).iou());
    assertThat(demo.comparison().stages().values().iterator().next().miou())
        .isEqualTo(scores.getFirst().miou());
  }

  @Test
  void everyPictureHasALayerForEachStage() {
    ReportData report = collect();
    assertThat(report.gallery().pictures()).hasSize(DemoRun.IMAGES);
    for (Picture picture : report.gallery().pictures()) {
      assertThat(picture.layers())
          .extracting(Layer::name)
          .containsExactly("Image", "CAM", "IS-CAM", "AE-IS-CAM", "Label", "Truth");
      Image image = ImageCodec.decode(run.resolve("data/JPEGImages/" + picture.id() + ".png"));
      Mask label = ImageCodec.readMask(run.resolve("out/labels/" + picture.id() + ".png"));
      Mask truth =
          ImageCodec.readMask(run.resolve("data/SegmentationClass/" + picture.id() + ".png"));
      assertThat(picture.layers().get(4).jpeg())
          .isEqualTo(drawn(image, Overlay.labels(image.rgb(), label.index())));
      assertThat(picture.layers().get(5).jpeg())
          .isEqualTo(drawn(image, Overlay.labels(image.rgb(), truth.index())))
          .isNotEqualTo(picture.layers().getFirst().jpeg());
    }
    List<Double> worst = scores(report, Why.WORST);
    List<Double> best = scores(report, Why.BEST);
    assertThat(worst).hasSize(2).isSorted();
    assertThat(best).hasSize(2);
    assertThat(best.getLast()).isGreaterThanOrEqualTo(worst.getLast());
  }

  private static byte[] drawn(Image image, byte[] rgb) {
    return ImageCodec.jpeg(new Image(image.width(), image.height(), rgb), 85);
  }

  private static List<Double> scores(ReportData report, Why why) {
    return report.gallery().pictures().stream()
        .filter(picture -> picture.why() == why)
        .map(Picture::score)
        .toList();
  }

  @Test
  void theMetricsOfBothTrainingsAreThereInTheOrderInWhichTheyRan() {
    List<Training> trainings = collect().trainings();
    assertThat(trainings).extracting(Training::stage).containsExactly("pretrain", "train");
    assertThat(trainings.get(1).metrics().values().get("loss")).hasSize(2);
    assertThat(trainings.get(0).metrics().lastStep()).isEqualTo(4);
  }

  @Test
  void theTablesNameTheDataOfEveryColumnAndFillTheRowThatTheRunMeasured() {
    List<ResultTable> tables = collect().tables();
    assertThat(tables).hasSize(3);
    ResultTable second = tables.get(1);
    assertThat(second.columns())
        .filteredOn(column -> column.origin() == ResultTable.Origin.MEASURED)
        .allSatisfy(
            column ->
                assertThat(column.heading())
                    .startsWith("measured: data, val, " + DemoRun.IMAGES + " images"));
    assertThat(second.rows().getLast().getFirst()).isEqualTo("+ rescaling");
    assertThat(second.rows().getLast())
        .contains("65.8", "67.8", Numbers.percent(demo.labelScore()));
    assertThat(second.rows().getFirst()).endsWith("58.6", "64.7", "-", "-");
  }

  @Test
  void thePageHoldsWhatWasCollected() throws IOException {
    Path page = folder.resolve("page/report.html");
    Reports.write(run, null, page, RunCollector.Limits.STANDARD);
    String html = Files.readString(page);
    assertThat(html)
        .contains("<h1>small-demo</h1>", "Worst images", "Best images", "IoU of each class")
        .contains("Norm of the gradient", "Confusion", "Table 1", "Table 2", "Table 3")
        .contains("published: PASCAL VOC 2012 train, mIoU", "method.backgroundFactor")
        .contains("peak memory", "cpu: ");
    assertThat(count(html, "data:image/jpeg;base64,")).isEqualTo(6 * DemoRun.IMAGES);
    assertThat(count(html, "type=\"range\"")).isEqualTo(DemoRun.IMAGES);
  }

  @Test
  void thePageAsksForNothingFromOutside() {
    String html = ReportPage.html(collect());
    assertThat(html).contains("Content-Security-Policy").contains("default-src &#39;none&#39;");
    Matcher address =
        Pattern.compile("(?:src|href|srcset|data|action|poster)=\"([^\"]*)\"").matcher(html);
    int addresses = 0;
    while (address.find()) {
      assertThat(address.group(1)).matches("(?s)(data:|#).*");
      addresses++;
    }
    assertThat(addresses).isGreaterThan(6 * DemoRun.IMAGES);
    assertThat(html).doesNotContain("http:", "https:", "url(", "@import");
  }

  @Test
  void theGalleryKeepsToItsImagesAndItsBytes() {
    assertThat(collect(new RunCollector.Limits(3, 1 << 20)).gallery().pictures()).hasSize(3);
    ReportData all = collect();
    long half = all.gallery().bytes() * 4 / 3 / 2;
    ReportData.Gallery small = collect(new RunCollector.Limits(24, half)).gallery();
    assertThat(small.bytes() * 4 / 3).isLessThanOrEqualTo(half);
    assertThat(small.pictures()).isNotEmpty();
    assertThat(small.leftOut()).isEqualTo(DemoRun.IMAGES - small.pictures().size());
    assertThat(collect(new RunCollector.Limits(0, 1 << 20)).gallery().pictures()).isEmpty();
  }

  @Test
  void aTrainingAloneHasCurvesAndNoGallery() {
    ReportData report =
        RunCollector.collect(
            RunLayout.find(run.resolve("train"), null), RunCollector.Limits.STANDARD, "today");
    assertThat(report.trainings()).extracting(Training::stage).containsExactly("train");
    assertThat(report.gallery().pictures()).isEmpty();
    assertThat(ReportPage.html(report))
        .contains("<h2>Curves</h2>")
        .doesNotContain("<h2>Gallery</h2>", "<h2>Scores</h2>");
  }

  @Test
  void aFolderWithoutARunIsRefused() throws IOException {
    Path empty = Files.createDirectories(folder.resolve("empty"));
    assertThatThrownBy(() -> RunLayout.find(empty, null))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("holds no run");
    assertThatThrownBy(() -> RunLayout.find(folder.resolve("nowhere"), null))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("no such folder");
  }

  @Test
  void namesFromFilesCannotBecomeMarkup() throws IOException {
    String evil = "<script>alert('1')</script>\"&";
    Path data = Files.createDirectories(folder.resolve("evil"));
    Path labels = Files.createDirectories(folder.resolve("evil-run/labels"));
    Files.createDirectories(data.resolve("masks"));
    String id = "a&b<i>\"x\"";
    Image image = new Image(4, 3, new byte[36]);
    ImageCodec.writePng(data.resolve(id + ".png"), image);
    Mask mask = new Mask(4, 3, new byte[] {0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1});
    ImageCodec.writeMask(data.resolve("masks").resolve(id + ".png"), mask);
    ImageCodec.writeMask(labels.resolve(id + ".png"), mask);
    Files.writeString(data.resolve("classes.txt"), evil + "\n");
    Files.writeString(
        data.resolve("labels.csv"),
        "image,labels\n\""
            + id.replace("\"", "\"\"")
            + "\",\""
            + evil.replace("\"", "\"\"")
            + "\"\n");
    Files.writeString(
        folder.resolve("evil-run/labelling.yaml"), "note: \"" + "<b>bold</b>" + "\"\n");
    Dataset dataset = Datasets.open(data, null);
    String html =
        ReportPage.html(
            RunCollector.collect(
                RunLayout.find(folder.resolve("evil-run"), dataset),
                RunCollector.Limits.STANDARD,
                "today"));
    assertThat(html)
        .contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;")
        .contains("a&amp;b&lt;i&gt;&quot;x&quot;", "&lt;b&gt;bold&lt;/b&gt;")
        .doesNotContain("<script>alert", "<i>\"x", "<b>bold");
    assertThat(count(html, "<script")).isEqualTo(1);
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }
}
