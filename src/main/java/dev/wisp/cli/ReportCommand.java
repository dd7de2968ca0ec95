package dev.wisp.cli;

import dev.wisp.pipeline.ResultTable;
import dev.wisp.report.ReportData;
import dev.wisp.report.Reports;
import dev.wisp.report.RunCollector;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp report}. */
@Command(
    name = "report",
    description = {
      "Show a run as one HTML page, and the paper's tables beside what the run measured."
    },
    footer = {"", "Example: wisp report runs/demo"})
final class ReportCommand extends Task {
  @Mixin private ShownRun run = new ShownRun();

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "The page (default: report.html in the run's folder).")
  private @Nullable Path out;

  @Option(
      names = "--images",
      paramLabel = "N",
      defaultValue = "24",
      description = "Most images of the gallery (default: ${DEFAULT-VALUE}).")
  private int images;

  @Option(
      names = "--max-mb",
      paramLabel = "N",
      defaultValue = "8",
      description = "Most megabytes of pictures in the page (default: ${DEFAULT-VALUE}).")
  private int megabytes;

  @Override
  int run() {
    requireRange("--images", images, 0, 10_000);
    requireRange("--max-mb", megabytes, 0, 1000);
    Path page = out == null ? run.folder.resolve(Reports.FILE) : out;
    ReportData report =
        Reports.write(
            run.folder,
            run.dataset(),
            page,
            new RunCollector.Limits(images, (long) megabytes << 20));
    report.tables().stream().map(ResultTable::markdown).forEach(out()::print);
    out().printf("report: %s%n", page);
    out().flush();
    return Skips.report(err(), report.skipped());
  }
}
