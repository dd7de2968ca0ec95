package dev.wisp.cli;

import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.RunDirectory;
import dev.wisp.pipeline.RunDirectory.Existing;
import java.nio.file.Path;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Where a training keeps its files, and what becomes of an earlier one. */
final class RunOptions {
  @Option(
      names = "--run",
      required = true,
      paramLabel = "FOLDER",
      description = "Run directory: recipe, metrics, checkpoints.")
  Path run = Path.of("");

  @ArgGroup Again again = new Again();

  /** At most one of them. */
  static final class Again {
    @Option(names = "--resume", description = "Continue an interrupted run, with the same bits.")
    boolean resume;

    @Option(names = "--force", description = "Replace the run in this folder.")
    boolean force;
  }

  @Option(
      names = "--accept-older",
      description = "With --resume: if the newest checkpoint is damaged take the one before.")
  boolean acceptOlder;

  Existing existing() {
    if (again.resume) {
      return Existing.RESUME;
    }
    return again.force ? Existing.REPLACE : Existing.REFUSE;
  }

  /** The recipe: when resuming the stored one, with what the options change on top. */
  Recipe recipe(RecipeOptions options) {
    return again.resume && RunDirectory.holdsRun(run)
        ? options.over(RunDirectory.recipe(run))
        : options.load();
  }
}
