package dev.wisp.cli;

import dev.wisp.backend.Precision;
import dev.wisp.backend.plan.Titan;
import dev.wisp.common.WispException;
import dev.wisp.pipeline.Doctor;
import dev.wisp.pipeline.MemoryPlan;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.SegmentationRecipe;
import dev.wisp.pipeline.StepBound;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp doctor}. */
@Command(
    name = "doctor",
    description = "Print what a bug report needs, each gap with its remedy.",
    footer = {"", "Example: wisp doctor --plan --recipe release --set training.batch=8"})
final class DoctorCommand extends Task {
  private static final int MOST_CLASSES = 1000;
  private static final int[] CARDS = {12, 24};
  private static final int[][] SIZES = {{500, 375}, {640, 480}, {6000, 4000}};

  @Mixin private DeviceOptions device = new DeviceOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();

  @Option(
      names = "--plan",
      description =
          "Print instead what device memory a recipe needs, and which batch fits cards of 12 and 24"
              + " GB.")
  private boolean plan;

  @Option(
      names = "--classes",
      paramLabel = "N",
      description = "With --plan: classes of the dataset (default: ${DEFAULT-VALUE}).")
  private int classes = 20;

  @Override
  int run() {
    if (plan) {
      plan(recipe.load());
      return ExitCodes.OK;
    }
    if (recipe.given()) {
      throw new WispException("--recipe, --set and --seed belong to --plan");
    }
    PrintWriter out = out();
    Doctor.Report report = Doctor.examine(Main.Version.number(), device.device, device.threads);
    report.facts().forEach((name, value) -> out.printf("%-14s %s%n", name + ":", value));
    for (Doctor.Gap gap : report.gaps()) {
      out.printf("%s %s: %s%n", gap.blocking() ? "problem" : "note   ", gap.what(), gap.remedy());
    }
    boolean blocked = report.gaps().stream().anyMatch(Doctor.Gap::blocking);
    out.println(
        blocked
            ? "Wisp cannot compute as asked until the problems are solved."
            : "Wisp can compute here.");
    return blocked ? ExitCodes.USER : ExitCodes.OK;
  }

  private void plan(Recipe values) {
    requireRange("--classes", classes, 1, MOST_CLASSES);
    int batch = values.training().batch();
    int crop = values.training().crop();
    PrintWriter out = out();
    out.printf(
        "Recipe %s, %s, %d classes, %d in every image, float32; counted by a dry run.%n%n",
        values.name(), values.network().backbone(), classes, Math.min(MemoryPlan.PRESENT, classes));
    boolean mixed = values.training().convolutions() == Precision.MIXED;
    out.printf(
        "Training, batch %d, crops of %dx%d%s%n",
        batch, crop, crop, mixed ? ", in mixed precision on a card with tensor cores" : "");
    training(out, MemoryPlan.training(values, classes), batch);
    bound(out, values);
    out.printf("%nLabelling, %s of the image's size%n", values.labelling().scales());
    for (int[] size : SIZES) {
      line(
          out,
          "image of %dx%d".formatted(size[0], size[1]),
          MemoryPlan.labelling(values, classes, size[0], size[1]));
    }
    SegmentationRecipe last = values.segmentation();
    out.printf(
        "%nDeepLabV3, %s at output stride %d, batch %d, crops of %dx%d%n",
        last.backbone(), last.outputStride(), last.batch(), last.crop(), last.crop());
    training(out, MemoryPlan.segmentation(values, classes), last.batch());
    out.printf("%nSegmenting, %s of the image's size%n", last.scales());
    for (int[] size : SIZES) {
      line(
          out,
          "image of %dx%d".formatted(size[0], size[1]),
          MemoryPlan.segmenting(values, classes, size[0], size[1]));
    }
  }

  private static void training(PrintWriter out, MemoryPlan memory, int batch) {
    line(out, "weights, plain and packed", memory.weights());
    line(out, "gradients and momentum", memory.optimizer());
    line(out, "activations", memory.fixed() + batch * memory.perImage());
    out.printf("  %-30s %6d MB%n", "  of that, each image", memory.perImage() >> 20);
    line(out, "together", memory.tensors(batch));
    line(out, "convolution workspace, at most", MemoryPlan.WORKSPACE);
    line(out, "driver and screen, allowed for", MemoryPlan.DRIVER);
    for (int card : CARDS) {
      long bytes = (long) card << 30;
      int largest = memory.largestBatch(bytes);
      out.printf(
          "  a card of %d GB: batch %d %s; largest batch %d%n",
          card, batch, batch <= largest ? "fits" : "does not fit", largest);
    }
  }

  private void bound(PrintWriter out, Recipe values) {
    StepBound plain = StepBound.of(values, classes, Precision.FLOAT32);
    StepBound mixed = StepBound.of(values, classes, Precision.MIXED);
    out.printf(
        "%nA step's least, calculated: %.0f GFLOP in convolutions, %.1f GB moved, %.1f in mixed"
            + " precision%n",
        plain.arithmetic() * 1e-9, plain.bytes() * 1e-9, mixed.bytes() * 1e-9);
    for (Titan card : Titan.values()) {
      double seconds = plain.seconds(card);
      out.printf(
          "  %-18s %6.0f ms, %5.1f images/s%s%n",
          card.title(),
          1e3 * seconds,
          values.training().batch() / seconds,
          card.halves() == 0
              ? ""
              : "; %.0f ms in mixed precision".formatted(1e3 * mixed.seconds(card)));
    }
  }

  private static void line(PrintWriter out, String what, long bytes) {
    out.printf("  %-30s %6d MB%n", what, bytes >> 20);
  }
}
