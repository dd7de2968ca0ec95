package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.ProcessMemory;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.Recipes;
import dev.wisp.pipeline.Segmentation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code wisp segment}. */
@Command(
    name = "segment",
    description = {
      "Label every pixel of photos, or of a dataset's images, with a trained DeepLabV3.",
      "Writes labels/ID.png (palette PNG) and overlays/ID.png (the label over the image)."
    },
    footer = {"", "Example: wisp segment photo.jpg --weights final.safetensors --out segmented"})
final class SegmentCommand extends Task {
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Parameters(paramLabel = "PHOTO", arity = "0..*", description = "JPEG or PNG files.")
  private List<Path> photos = new ArrayList<>();

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description = "Dataset to segment, as of wisp label.")
  private @Nullable Path data;

  @Option(
      names = "--list",
      paramLabel = "NAME|FILE",
      description = "With --data: list of images (default: val).")
  private @Nullable String list;

  @Option(
      names = "--weights",
      required = true,
      paramLabel = "FILE",
      description = "Weights of a DeepLabV3; a recipe stored in them is the default.")
  private Path weights = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Gets labels and overlays.")
  private Path folder = Path.of("");

  @Option(
      names = "--scales",
      split = ",",
      paramLabel = "F",
      description = "Mean over these factors of the image size, such as 0.5,1,1.5.")
  private List<Double> scales = new ArrayList<>();

  @Option(names = "--flip", description = "Mean over the mirror image too.")
  private boolean flip;

  @Option(names = "--crf", description = "Move borders to the image's edges with a dense CRF.")
  private boolean crf;

  @Option(
      names = "--output-stride",
      paramLabel = "N",
      description = "Image pixels per score: 16, or finer and slower 8 (default: as trained).")
  private @Nullable Integer outputStride;

  @Option(
      names = "--voc-submission",
      paramLabel = "FILE.tgz",
      description = "Archive for VOC's evaluation server (comp6), of all images.")
  private @Nullable Path submission;

  @Override
  int run() {
    Recipe base = Segmentation.recipe(weights).map(recipe::over).orElseGet(recipe::load);
    List<String> changes = new ArrayList<>();
    if (!scales.isEmpty()) {
      changes.add("segmentation.scales=" + scales);
    }
    if (flip) {
      changes.add("segmentation.flip=true");
    }
    if (crf) {
      changes.add("segmentation.crf=true");
    }
    if (outputStride != null) {
      changes.add("segmentation.outputStride=" + outputStride);
    }
    if (list != null && data == null) {
      throw new WispException("--list needs --data");
    }
    Segmentation.Request request =
        new Segmentation.Request(
            weights, folder, Recipes.with(base, changes), dataset(), photos, submission);
    try (Backend backend = Devices.open(device.device, device.threads)) {
      Segmentation.Result result = Segmentation.run(backend, request, ConsoleProgress.onTerminal());
      out()
          .printf(
              "%d images segmented; labels in %s%n", result.segmented(), folder.resolve("labels"));
      out().printf("peak memory: %d MB%n", ProcessMemory.peakMb());
      return Skips.report(err(), result.skipped());
    }
  }

  private @Nullable Dataset dataset() {
    Path root = data;
    if (root == null) {
      return null;
    }
    String chosen = list == null && Datasets.hasLists(root) ? "val" : list;
    return Datasets.open(root, chosen);
  }
}
