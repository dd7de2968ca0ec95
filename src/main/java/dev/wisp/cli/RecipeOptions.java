package dev.wisp.cli;

import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.Recipes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which numbers a run uses. */
final class RecipeOptions {
  @Option(
      names = "--recipe",
      paramLabel = "NAME|FILE",
      description =
          "paper, release, demo, or a YAML file of values over one of them (default: paper; demo"
              + " for wisp demo; for label and ablate the one stored in the weights).")
  @Nullable String recipe;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description =
          "Change one value, such as training.batch=8; may be repeated. Keys: docs/files.md.")
  List<String> overrides = new ArrayList<>();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Decides everything random (default: the recipe's).")
  @Nullable Long seed;

  /** The recipe asked for, by default the paper's. */
  Recipe load() {
    return Recipes.load(recipe == null ? "paper" : recipe, allOverrides());
  }

  /** What was asked for on top of another recipe. */
  Recipe over(Recipe base) {
    return recipe == null ? Recipes.with(base, allOverrides()) : load();
  }

  /** Whether any option was given. */
  boolean given() {
    return recipe != null || seed != null || !overrides.isEmpty();
  }

  private List<String> allOverrides() {
    List<String> all = new ArrayList<>(overrides);
    if (seed != null) {
      all.add("seed=" + seed);
    }
    return all;
  }
}
