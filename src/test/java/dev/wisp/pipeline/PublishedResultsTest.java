package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.pipeline.PublishedResults.Segmentation;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class PublishedResultsTest {
  private static Segmentation row(String model, String backbone) {
    return PublishedResults.SEGMENTATION.stream()
        .filter(row -> row.model().equals(model) && row.backbone().equals(backbone))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void theGainsAreThoseThatThePapersTextStates() {
    Segmentation ours = row("AE-SIPE", "ResNet-101");
    Segmentation baseline = row("SIPE", "ResNet-101");
    assertThat(ours.val() - baseline.val()).isCloseTo(2.2, within(1e-9));
    assertThat(ours.test() - baseline.test()).isCloseTo(1.4, within(1e-9));
    assertThat(PublishedResults.SEGMENTATION).hasSize(11);
  }

  @Test
  void everyRowOfTheAblationHasAPublishedFigure() {
    List<Ablation.Row> rows = Ablation.rows(Recipes.load("paper", List.of()));
    assertThat(rows).allMatch(row -> PublishedResults.seeds(row).isPresent());
    assertThat(rows.stream().map(PublishedResults::seeds).map(Optional::orElseThrow).toList())
        .isEqualTo(PublishedResults.SEEDS);
  }

  @Test
  void rowsThatAreTheSameSettingInBothTablesHaveTheSameFigures() {
    List<PublishedResults.Seeds> seeds = PublishedResults.SEEDS;
    assertThat(seeds.get(5).train()).isEqualTo(seeds.get(0).train());
    assertThat(seeds.get(9).crf()).isEqualTo(seeds.get(1).crf());
  }

  @Test
  void everyColumnOfFiguresSaysWhetherItIsPublishedOrMeasuredAndOnWhat() {
    Recipe recipe = Recipes.load("paper", List.of());
    PaperTables.Labels labels =
        new PaperTables.Labels("photos | mine", 12, recipe.method(), 0.5, OptionalDouble.of(0.6));
    PaperTables.Prediction prediction =
        new PaperTables.Prediction("photos", 12, "ResNet-101", 0.4321);
    String first = PaperTables.segmentation(Optional.of(prediction)).markdown();
    assertThat(first)
        .contains("published: PASCAL VOC 2012 val, mIoU", "measured: photos, 12 images, mIoU")
        .contains("| this run | - | ResNet-101 | - | - | 43.21 |")
        .contains("| AE-SIPE | the paper | ResNet-101 | 71.0 | 71.1 | - |");
    ResultTable second = PaperTables.seeds(recipe, Optional.of(labels)).getFirst();
    assertThat(second.markdown())
        .contains("published: PASCAL VOC 2012 train, mIoU with CRF")
        .contains("measured: photos \\| mine, 12 images, mIoU");
    // The paper's recipe is the last row: all parts of the method.
    assertThat(second.rows().getLast()).endsWith("65.8", "67.8", "50.00", "60.00");
    assertThat(second.rows().subList(0, 4)).allSatisfy(row -> assertThat(row).endsWith("-", "-"));
    assertThat(PaperTables.segmentation(Optional.empty()).markdown())
        .contains("Not measured here")
        .doesNotContain("measured: ");
  }
}
