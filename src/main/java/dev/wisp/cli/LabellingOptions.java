package dev.wisp.cli;

import dev.wisp.pipeline.Labelling;
import dev.wisp.pipeline.Recipe;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What commands need that label images with given weights. */
final class LabellingOptions {
  @Mixin DataOptions data = new DataOptions();
  @Mixin DeviceOptions device = new DeviceOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();

  @Option(
      names = "--weights",
      required = true,
      paramLabel = "FILE",
      description = "Weights of a trained network; a recipe stored in them is the default.")
  Path weights = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Gets the results; goes on where an earlier command was interrupted.")
  Path folder = Path.of("");

  /** The recipe stored in the weights, with what the options change; else theirs alone. */
  Recipe recipe() {
    return Labelling.recipe(weights).map(recipe::over).orElseGet(recipe::load);
  }
}
