package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.TinyNetwork;
import dev.wisp.backend.Backend;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AblationTest {
  private static final List<String> TINY =
      List.of(
          "training.epochs=1",
          "training.batch=3",
          "training.crop=48",
          "training.longSideLow=40",
          "training.longSideHigh=56",
          "labelling.scales=[1.0]",
          "method.normalization=min-max",
          "method.pamr.iterations=2");

  @TempDir private Path folder;

  @Test
  void oneNetworkFillsBothTablesAndSaysThatTheWeightsAreTheSame() throws Exception {
    Ablation.Report report = run(false);
    assertThat(report.rows()).hasSize(10).noneMatch(Ablation.Measured::retrained);
    assertThat(report.rows()).allMatch(row -> row.meanIou() >= 0 && row.meanIou() <= 1);
    // The sequences of Table 3 that Table 2 holds too have equal scores.
    assertThat(report.rows().get(5).meanIou()).isEqualTo(report.rows().get(0).meanIou());
    assertThat(report.rows().get(9).meanIou()).isEqualTo(report.rows().get(1).meanIou());
    String markdown = Files.readString(folder.resolve("out/ablation.md"));
    assertThat(markdown)
        .contains("### Table 2", "### Table 3", "baseline (SIPE)", "| same weights |", "with CRF")
        .contains("`pr,is,pr,is,pamr,pr,is`")
        .contains("best on these very images: an upper bound, not a result");
    assertThat(report.rows())
        .allSatisfy(
            row -> {
              assertThat(row.bestMeanIou()).isBetween(row.meanIou(), 1.0);
              assertThat(row.bestFactor()).isBetween(0.1f, 2f);
              assertThat(row.crfMeanIou()).isBetween(0.0, 1.0);
            });
    assertThat(markdown)
        .contains("### Table 1", "published: PASCAL VOC 2012 train, mIoU with CRF")
        .contains("measured: " + folder.resolve("data") + ", val, 3 images, mIoU")
        .contains("| same weights | 65.8 | 67.8 |");
    assertThat(AblationFiles.read(folder.resolve("out"))).isEqualTo(report);
    List<String> csv = Files.readAllLines(folder.resolve("out/ablation.csv"));
    assertThat(csv).hasSize(11);
    int columns = csv.getFirst().split(",").length;
    assertThat(csv.get(2)).matches(".*,0\\.\\d{6}");
    assertThat(csv.get(2).replaceAll("\"[^\"]*\"", "text").split(",")).hasSize(columns);
  }

  @Test
  void retrainedRowsAreTrainedOnceForEachSettingThatTrainingSees() throws Exception {
    Ablation.Report report = run(true);
    assertThat(report.rows()).hasSize(10).allMatch(Ablation.Measured::retrained);
    try (var files = Files.list(folder.resolve("out"))) {
      assertThat(files.filter(Files::isDirectory)).hasSize(7);
    }
  }

  @Test
  void theCrfIsTheRecipes() throws Exception {
    // Weights below 0 push neighbours apart: pixels of one label leave it.
    Ablation.Report report =
        run(false, "crf.steps=1", "crf.gaussianWeight=-30", "crf.bilateralWeight=0");
    assertThat(report.rows())
        .allSatisfy(row -> assertThat(row.crfMeanIou()).isNotEqualTo(row.meanIou()));
  }

  private Ablation.Report run(boolean retrain, String... overrides) {
    Path data = TinyNetwork.dataset(folder.resolve("data"));
    Path weights = TinyNetwork.weights(folder.resolve("weights.safetensors"));
    Dataset scored = Datasets.open(data, "val");
    Optional<Dataset> training =
        retrain ? Optional.of(Datasets.open(data, "train")) : Optional.empty();
    try (Backend backend = Devices.open("cpu", 1)) {
      return Ablation.run(
          backend,
          new Ablation.Request(
              folder.resolve("out"),
              Recipes.with(Recipes.load("demo", TINY), List.of(overrides)),
              weights,
              scored,
              training),
          Progress.NONE);
    }
  }
}
