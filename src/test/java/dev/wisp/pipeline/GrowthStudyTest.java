package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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

class GrowthStudyTest {
  private static final List<String> TINY =
      List.of("labelling.scales=[1.0]", "method.pamr.iterations=2");

  @TempDir private Path folder;

  @Test
  void everySequenceIsMeasuredWithoutLimitAndThoseWithPamrAtEachLimit() throws Exception {
    Dataset scored = Datasets.open(TinyNetwork.dataset(folder.resolve("data")), "val");
    Path weights = TinyNetwork.weights(folder.resolve("weights.safetensors"));
    Recipe recipe = Recipes.load("demo", TINY);
    Path out = folder.resolve("out");
    GrowthStudy.Report report;
    Ablation.Report tables;
    try (Backend backend = Devices.open("cpu", 1)) {
      report =
          GrowthStudy.run(
              backend,
              new GrowthStudy.Request(out, recipe, weights, scored, List.of(0.7, 0.0, 0.3)),
              Progress.NONE);
      tables =
          Ablation.run(
              backend,
              new Ablation.Request(out, recipe, weights, scored, Optional.empty()),
              Progress.NONE);
    }
    assertThat(report.rows())
        .extracting(GrowthStudy.Row::limit)
        .containsExactly(0.0, 0.0, 0.3, 0.7, 0.0, 0.3, 0.7);
    // The method itself is the last row of Table 2.
    assertThat(report.rows().get(1).meanIou()).isEqualTo(tables.rows().get(4).meanIou());
    for (GrowthStudy.Row row : report.rows()) {
      double unlimited =
          report.rows().stream()
              .filter(other -> other.sequence().equals(row.sequence()) && other.limit() == 0)
              .findFirst()
              .orElseThrow()
              .meanIou();
      assertThat(row.difference().value()).isEqualTo(row.meanIou() - unlimited, within(1e-12));
      assertThat(row.wrongClass() + row.missed()).isBetween(0.0, 1.0);
      assertThat(row.bestMeanIou()).isBetween(row.meanIou(), 1.0);
    }
    assertThat(Files.readString(out.resolve("growth.md")))
        .contains("| `pr,is` | none |", "| `pr,is,pamr,pr,is,pamr,pr,is` | 0.7 |");
    List<String> csv = Files.readAllLines(out.resolve("growth.csv"));
    assertThat(csv).hasSize(8);
    assertThat(csv.get(3).replaceAll("\"[^\"]*\"", "text").split(","))
        .hasSize(GrowthStudy.COLUMNS.size());
  }
}
