package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.data.synth.SynthOptions;
import dev.wisp.pipeline.Bootstrap.Interval;
import dev.wisp.pipeline.Demo;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.FactorSweep;
import dev.wisp.pipeline.MapComparison;
import dev.wisp.pipeline.Recipe;
import dev.wisp.report.Reports;
import dev.wisp.report.RunCollector;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp demo}. */
@Command(
    name = "demo",
    description = "Draw images, train on their labels, segment them, score and show it: minutes.",
    footer = {"", "Example: wisp demo --run runs/demo --force"})
final class DemoCommand extends Task {
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--run",
      paramLabel = "FOLDER",
      defaultValue = "runs/demo",
      description = "Folder for everything (default: ${DEFAULT-VALUE}).")
  private Path folder = Path.of("");

  @Option(names = "--force", description = "Replace an earlier demo in the folder.")
  private boolean force;

  @Option(
      names = "--train",
      paramLabel = "N",
      defaultValue = "600",
      description = "Training images (default: ${DEFAULT-VALUE}).")
  private int train;

  @Option(
      names = "--scored",
      paramLabel = "N",
      defaultValue = "200",
      description = "Scored images (default: ${DEFAULT-VALUE}).")
  private int scored;

  @Override
  int run() {
    if (recipe.recipe == null) {
      recipe.recipe = "demo";
    }
    Recipe chosen = recipe.load();
    SynthOptions standard = SynthOptions.demo();
    SynthOptions synth =
        new SynthOptions(standard.size(), train, scored, standard.classes(), chosen.seed());
    try (Backend backend = Devices.open(device.device, device.threads)) {
      Demo.Result result =
          Demo.run(
              backend,
              new Demo.Request(folder, chosen, synth, force),
              ConsoleProgress.onTerminal());
      Path report = folder.resolve(Reports.FILE);
      Reports.write(folder, null, report, RunCollector.Limits.STANDARD);
      print(result);
      out().printf("report: %s%n", report);
      return ExitCodes.OK;
    }
  }

  private void print(Demo.Result result) {
    MapComparison.Scores scores = result.comparison();
    out()
        .printf(
            "mIoU (%%) on %d images, [95 %% bootstrap interval over the images]%n",
            scores.images());
    out().printf("%-10s  background x %.1f        best factor%n", "", scores.factor());
    scores
        .stages()
        .forEach(
            (name, score) ->
                out()
                    .printf(
                        "%-10s  %s     %s at %.2f%n",
                        name, text(score.miou()), text(score.bestMiou()), score.bestFactor()));
    out().printf("best factor: %s%n", FactorSweep.UPPER_BOUND);
    out().println("paired differences");
    scores
        .differences()
        .forEach(
            (name, difference) ->
                out()
                    .printf(
                        "%-18s  %s  best factors %s%n",
                        name, text(difference.miou()), text(difference.bestMiou())));
    out().printf("label files: mIoU %.2f%n", 100 * result.labelScore());
    out().printf("seconds: %s%n", result.seconds());
    out().printf("peak memory: %d MB%n", result.peakMemoryMb());
    out().printf("picture: %s%nsummary: %s%n", result.picture(), result.summary());
  }

  private static String text(Interval interval) {
    return "%.2f [%.2f, %.2f]"
        .formatted(100 * interval.value(), 100 * interval.low(), 100 * interval.high());
  }
}
