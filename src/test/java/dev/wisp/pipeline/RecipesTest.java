package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecipesTest {
  @TempDir Path folder;

  @Test
  void theTwoPublishedRecipesDifferAsTheSpecificationSays() {
    Recipe paper = Recipes.load("paper", List.of());
    Recipe release = Recipes.load("release", List.of());
    assertThat(paper.network().backbone()).isEqualTo("resnet101");
    assertThat(release.network().backbone()).isEqualTo("resnet50");
    assertThat(paper.training().momentum()).isEqualTo(0.9);
    assertThat(release.training().momentum()).isEqualTo(1e-4);
    assertThat(paper.training().pretrainedRate()).isEqualTo(1e-2);
    assertThat(paper.training().newRate()).isEqualTo(1e-1);
    assertThat(release.training().pretrainedRate()).isEqualTo(1e-1);
    assertThat(release.training().newRate()).isEqualTo(1.0);
    assertThat(paper.method().normalization()).isEqualTo("min-max");
    assertThat(release.method().normalization()).isEqualTo("max");
    for (Recipe both : List.of(paper, release)) {
      assertThat(both.seed()).isEqualTo(15);
      assertThat(both.training().batch()).isEqualTo(16);
      assertThat(both.training().epochs()).isEqualTo(5);
      assertThat(both.training().crop()).isEqualTo(512);
      assertThat(both.training().weightDecay()).isEqualTo(1e-4);
      assertThat(both.labelling().scales()).containsExactly(1.0, 0.5, 1.5, 2.0);
    }
  }

  @Test
  void whatIsWrittenReadsBackEqual() throws IOException {
    Recipe recipe =
        Recipes.load("demo", List.of("training.clip=.inf", "method.pamr.dilations=1,3"));
    Path file = folder.resolve("recipe.yaml");
    Files.writeString(file, Recipes.write(recipe));
    assertThat(Recipes.read(file)).isEqualTo(recipe);
    assertThat(recipe.training().clip()).isInfinite();
    assertThat(recipe.method().pamr().dilations()).containsExactly(1, 3);
  }

  @Test
  void aFileOverridesTheRecipeItNamesAndSetOverridesTheFile() throws IOException {
    Path file = folder.resolve("mine.yaml");
    Files.writeString(file, "name: release\ntraining:\n  batch: 4\n  epochs: 2\n");
    Recipe recipe = Recipes.load(file.toString(), List.of("training.epochs=3"));
    assertThat(recipe.training().batch()).isEqualTo(4);
    assertThat(recipe.training().epochs()).isEqualTo(3);
    assertThat(recipe.training().momentum()).isEqualTo(1e-4);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "training.bach=3 | training.bach",
        "trainning.batch=3 | trainning.batch",
        "seed.more=3 | seed.more",
        "training=3 | is a section",
        "training.batch=many | training.batch",
        "training.batch=2.5 | training.batch",
        "training.batch=0 | training.batch",
        "training.crop=100 | multiple of 16",
        "training.precision=half | training.precision is 'half'; give one of float32, mixed",
        "training.mirror=2 | training.mirror",
        "training.clip=0 | training.clip",
        "network.backbone=vgg | network.backbone",
        "method.sequence=is,pr | method.sequence",
        "method.pamr.dilations=[] | method.pamr.dilations",
        "method.growthLimit=1 | method.growthLimit",
        "labelling.scales=0 | labelling.scales",
        "seed | section.key=value",
      })
  void aWrongOverrideIsOneLineThatNamesTheKey(String override, String expected) {
    assertThatThrownBy(() -> Recipes.load("paper", List.of(override)))
        .isInstanceOf(WispException.class)
        .message()
        .contains(expected)
        .doesNotContain("\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bogus: 1",
        "training:\n  bogus: 1",
        "name: other",
        "training: 3",
        "- a",
        "a: [",
        ""
      })
  void aWrongFileIsOneLineThatNamesTheFile(String text) throws IOException {
    Path file = folder.resolve("wrong.yaml");
    Files.writeString(file, text);
    assertThatThrownBy(() -> Recipes.load(file.toString(), List.of()))
        .isInstanceOf(WispException.class)
        .message()
        .contains("wrong.yaml")
        .doesNotContain("\n");
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> Recipes.load("nowhere.yaml", List.of()))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("nowhere.yaml")
        .hasMessageContaining("paper, release, demo");
  }

  @Test
  void everyRecipeOfTheFolderLoadsAndSaysWhatItBeganAs() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("recipes"))) {
      List<Path> recipes = files.toList();
      assertThat(recipes).hasSizeGreaterThanOrEqualTo(5);
      for (Path file : recipes) {
        assertThat(Recipes.NAMES).contains(Recipes.load(file.toString(), List.of()).name());
      }
    }
  }
}
