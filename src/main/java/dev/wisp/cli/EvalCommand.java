package dev.wisp.cli;

import dev.wisp.data.Dataset;
import dev.wisp.pipeline.Confusion;
import dev.wisp.pipeline.Evaluation;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp eval}. */
@Command(
    name = "eval",
    description = "Score label files against a dataset's masks.",
    footer = {"", "Example: wisp eval --data shapes --list val --labels out/labels"})
final class EvalCommand extends Task {
  @Mixin private DataOptions data = new DataOptions();

  @Option(
      names = "--labels",
      required = true,
      paramLabel = "FOLDER",
      description = "Folder of palette PNGs, one per image.")
  private Path labels = Path.of("");

  @Option(
      names = "--convention",
      paramLabel = "voc|release",
      defaultValue = "voc",
      description = "How predictions of no class count (default: ${DEFAULT-VALUE}).")
  private Confusion.Convention convention = Confusion.Convention.VOC;

  @Override
  int run() {
    Dataset dataset = data.open("val");
    Evaluation.Report report = Evaluation.labels(dataset, labels, ConsoleProgress.onTerminal());
    out().print(Evaluation.table(dataset, report.confusion(), convention));
    out().printf("%d images%n", report.scored());
    return Skips.report(err(), report.skipped());
  }
}
