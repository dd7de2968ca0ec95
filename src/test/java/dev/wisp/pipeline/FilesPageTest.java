package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** The page on files keeps up with what is written. */
class FilesPageTest {
  private static String page() throws IOException {
    return Files.readString(Path.of("docs/files.md"));
  }

  @Test
  void everyKeyOfARecipeIsExplained() throws IOException {
    String page = page();
    JsonNode recipe = new YAMLMapper().readTree(Recipes.write(Recipes.load("paper", List.of())));
    int keys = 0;
    for (Map.Entry<String, JsonNode> section : recipe.properties()) {
      assertThat(page).contains("`" + section.getKey());
      // One line explains pretraining by training, but for its only rate.
      boolean explained = section.getKey().equals("pretraining");
      for (Map.Entry<String, JsonNode> key : section.getValue().properties()) {
        if (!explained || key.getKey().equals("rate")) {
          assertThat(page).containsPattern("`([a-z.]*\\.)?" + key.getKey() + "[`.]");
          keys++;
        }
      }
    }
    assertThat(keys).isGreaterThan(20);
  }

  @Test
  void everyColumnOfTheAblationIsExplained() throws IOException {
    String page = page();
    for (String column : AblationFiles.COLUMNS) {
      assertThat(page).contains("`" + column + "`");
    }
    for (String column : GrowthStudy.COLUMNS) {
      assertThat(page).contains("`" + column + "`");
    }
  }
}
