package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.pipeline.Ablation;
import dev.wisp.pipeline.AblationFiles;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.GrowthStudy;
import dev.wisp.pipeline.Recipe;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp ablate}. */
@Command(
    name = "ablate",
    description = {
      "Run the paper's Tables 2 and 3 on a dataset with masks: ablation.md, ablation.csv, and the"
          + " runs of retrained rows."
    },
    footer = {"", "Example: wisp ablate --data shapes --weights final.safetensors --out ablation"})
final class AblateCommand extends Task {
  @Mixin private LabellingOptions labelling = new LabellingOptions();

  @Option(
      names = "--retrain",
      description =
          "Train every row with its own switches, beginning with --weights, which may be an"
              + " encoder's; goes on where it was interrupted.")
  private boolean retrain;

  @Option(
      names = "--train-list",
      defaultValue = "train",
      paramLabel = "NAME|FILE",
      description = "List to retrain on in VOC layout (default: train).")
  private String trainList = "train";

  @Option(
      names = "--growth-limits",
      split = ",",
      paramLabel = "LIMIT",
      description =
          "Measure growth limits such as 0.3,0.5,0.7 too, with the given weights: growth.md,"
              + " growth.csv; not with --retrain.")
  private List<Double> growthLimits = List.of();

  @Override
  int run() {
    if (retrain && !growthLimits.isEmpty()) {
      throw new WispException("--growth-limits measures the given weights; leave out --retrain");
    }
    Dataset scored = labelling.data.open("val");
    if (scored.samples().stream().noneMatch(sample -> sample.mask().isPresent())) {
      throw new WispException(scored.name() + ": has no masks to score with");
    }
    Optional<Dataset> training =
        retrain ? Optional.of(Datasets.open(labelling.data.data, trainList)) : Optional.empty();
    Recipe recipe = labelling.recipe();
    GrowthStudy.Request growth =
        new GrowthStudy.Request(labelling.folder, recipe, labelling.weights, scored, growthLimits);
    try (Backend backend = Devices.open(labelling.device.device, labelling.device.threads)) {
      Ablation.Report report =
          Ablation.run(
              backend,
              new Ablation.Request(labelling.folder, recipe, labelling.weights, scored, training),
              ConsoleProgress.onTerminal());
      out().print(AblationFiles.markdown(report));
      out().flush();
      if (!growthLimits.isEmpty()) {
        GrowthStudy.Report limits = GrowthStudy.run(backend, growth, ConsoleProgress.onTerminal());
        out().print(GrowthStudy.table(limits).markdown());
        out().flush();
      }
      return Skips.report(err(), report.skipped());
    }
  }
}
