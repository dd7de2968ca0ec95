package dev.wisp.cli;

import dev.wisp.data.synth.SynthDataset;
import dev.wisp.data.synth.SynthOptions;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code wisp synth}. */
@Command(
    name = "synth",
    description = "Draw a synthetic dataset with masks, in VOC layout.",
    footer = {"", "Example: wisp synth shapes --train 600 --scored 200 --size 128"})
final class SynthCommand extends Task {

  @Parameters(paramLabel = "FOLDER", description = "Folder to make; must not hold a dataset yet.")
  private Path folder = Path.of("");

  @Option(
      names = "--size",
      paramLabel = "N",
      defaultValue = "128",
      description = "Side of the images in pixels (default: ${DEFAULT-VALUE}).")
  private int size;

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
      description = "Images for scoring, the list val (default: ${DEFAULT-VALUE}).")
  private int scored;

  @Option(
      names = "--classes",
      paramLabel = "N",
      defaultValue = "5",
      description = "Foreground classes (default: ${DEFAULT-VALUE}).")
  private int classes;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "15",
      description = "Decides every pixel (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--decoys",
      paramLabel = "P",
      defaultValue = "0",
      description =
          "Probability that an object in an image of several classes bears a small patch of another"
              + " class's pattern (default: ${DEFAULT-VALUE}).")
  private double decoys;

  @Override
  int run() {
    SynthDataset.write(new SynthOptions(size, train, scored, classes, seed, decoys), folder);
    out().printf("%d training and %d scored images in %s%n", train, scored, folder);
    return ExitCodes.OK;
  }
}
