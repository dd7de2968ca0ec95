package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.method.CrfRefinement;
import dev.wisp.pipeline.CrfLabels;
import dev.wisp.pipeline.Devices;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp crf}. */
@Command(
    name = "crf",
    description = "Move the borders of label files to the images' edges with a dense CRF.",
    footer = {"", "Example: wisp crf --data shapes --list val --labels out/labels --out out/crf"})
final class CrfCommand extends Task {
  private static final int MOST_STEPS = 1000;

  @Mixin private DataOptions data = new DataOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--labels",
      required = true,
      paramLabel = "FOLDER",
      description = "Folder of palette PNGs, one per image.")
  private Path labels = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Gets the refined labels.")
  private Path folder = Path.of("");

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Mean-field steps (default: ${DEFAULT-VALUE}).")
  private int steps = 10;

  @Option(
      names = "--certainty",
      paramLabel = "P",
      description = "Probability that a given label is right (default: ${DEFAULT-VALUE}).")
  private double certainty = CrfRefinement.CERTAINTY;

  @Option(
      names = "--gaussian",
      arity = "2",
      paramLabel = "PIXELS WEIGHT",
      description = "Deviation and weight of nearby pixels (default: 3 3).")
  private float[] gaussian = {3, 3};

  @Option(
      names = "--bilateral",
      arity = "3",
      paramLabel = "PIXELS COLOURS WEIGHT",
      description = "Deviations and weight of nearby pixels of like colour (default: 50 5 10).")
  private float[] bilateral = {50, 5, 10};

  @Override
  int run() {
    requireRange("--steps", steps, 0, MOST_STEPS);
    if (!(certainty > 0 && certainty < 1)) {
      throw new WispException(
          "--certainty is %s; give a number above 0 and below 1".formatted(certainty));
    }
    positive("--gaussian", gaussian[0]);
    positive("--bilateral", bilateral[0]);
    positive("--bilateral", bilateral[1]);
    finite("--gaussian", gaussian[1]);
    finite("--bilateral", bilateral[2]);
    Dataset dataset = data.open("train");
    CrfOptions options =
        new CrfOptions(steps, gaussian[0], gaussian[1], bilateral[0], bilateral[1], bilateral[2]);
    try (Backend backend = Devices.open(device.device, device.threads)) {
      CrfLabels.Result result =
          CrfLabels.run(
              backend,
              new CrfLabels.Request(dataset, labels, folder, certainty, options),
              ConsoleProgress.onTerminal());
      out().printf("%d images refined; labels in %s%n", result.refined(), folder);
      return Skips.report(err(), result.skipped());
    }
  }

  private static void positive(String option, float value) {
    if (!(value > 0)) {
      throw new WispException(
          "%s has a deviation of %s; give more than 0".formatted(option, value));
    }
  }

  private static void finite(String option, float value) {
    if (!Float.isFinite(value)) {
      throw new WispException("%s has a weight of %s; give a number".formatted(option, value));
    }
  }
}
