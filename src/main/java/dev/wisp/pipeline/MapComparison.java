package dev.wisp.pipeline;

import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.Image;
import dev.wisp.io.Mask;
import dev.wisp.method.Localization;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Scores the maps after each stage of the method against masks, and draws some of them. */
public final class MapComparison implements Labelling.Witness {
  static final String CAM = "CAM";
  static final String IS_CAM = "IS-CAM";
  static final String AE_IS_CAM = "AE-IS-CAM";
  private static final int CELL = 128;

  private final Dataset dataset;
  private final int pictureRows;
  private final Map<String, FactorSweep> sweeps = new LinkedHashMap<>();
  private final List<Shown> shown = new ArrayList<>();

  /** An image of the picture. */
  private record Shown(Sample sample, StageMaps maps, Mask truth) {}

  /**
   * One stage's scores.
   *
   * @param miou at the recipe's background factor, with its interval over the images
   * @param bestFactor the factor that scores best on these images
   * @param bestMiou the score there
   * @param iou by class id at the recipe's factor; NaN for a class in neither truth nor labels
   */
  public record StageScore(
      Bootstrap.Interval miou, float bestFactor, Bootstrap.Interval bestMiou, List<Double> iou) {
    public StageScore {
      iou = List.copyOf(iou);
    }
  }

  /**
   * All stages' scores; every interval is a 95 % bootstrap interval over the images.
   *
   * @param images number of images
   * @param factor the recipe's background factor
   * @param stages by name
   * @param differences paired, by "A - B"
   */
  public record Scores(
      int images,
      float factor,
      Map<String, StageScore> stages,
      Map<String, Difference> differences) {}

  /**
   * How much one stage scores more than another on the same images.
   *
   * @param miou at the recipe's background factor
   * @param bestMiou each at its own best factor
   */
  public record Difference(Bootstrap.Interval miou, Bootstrap.Interval bestMiou) {}

  MapComparison(Dataset dataset, int pictureRows) {
    this.dataset = dataset;
    this.pictureRows = pictureRows;
    for (String name : List.of(CAM, IS_CAM, AE_IS_CAM)) {
      sweeps.put(name, new FactorSweep(dataset.classCount() + 1));
    }
  }

  @Override
  public void see(Sample sample, StageMaps maps) {
    Mask truth = Evaluation.truth(dataset, sample);
    sweep(CAM).add(maps.cam(), truth.index());
    sweep(IS_CAM).add(maps.isCam(), truth.index());
    sweep(AE_IS_CAM).add(maps.last(), truth.index());
    if (shown.size() < pictureRows) {
      shown.add(new Shown(sample, maps, truth));
    }
  }

  private FactorSweep sweep(String name) {
    FactorSweep sweep = sweeps.get(name);
    if (sweep == null) {
      throw new AssertionError(name);
    }
    return sweep;
  }

  /** The scores of everything seen. */
  Scores scores(float factor, long seed) {
    Map<String, StageScore> stages = new LinkedHashMap<>();
    sweeps.forEach(
        (name, sweep) -> {
          float best = sweep.best();
          stages.put(
              name,
              new StageScore(
                  Bootstrap.difference(sweep.at(factor), List.of(), seed),
                  best,
                  Bootstrap.difference(sweep.at(best), List.of(), seed),
                  iou(sweep.at(factor))));
        });
    Map<String, Difference> differences = new LinkedHashMap<>();
    for (String[] pair : new String[][] {{IS_CAM, CAM}, {AE_IS_CAM, IS_CAM}, {AE_IS_CAM, CAM}}) {
      FactorSweep a = sweep(pair[0]);
      FactorSweep b = sweep(pair[1]);
      differences.put(
          pair[0] + " - " + pair[1],
          new Difference(
              Bootstrap.difference(a.at(factor), b.at(factor), seed),
              Bootstrap.difference(a.at(a.best()), b.at(b.best()), seed)));
    }
    return new Scores(sweep(CAM).at(factor).size(), factor, stages, differences);
  }

  private List<Double> iou(List<Confusion> images) {
    Confusion sum = new Confusion(dataset.classCount() + 1);
    images.forEach(sum::add);
    return Arrays.stream(sum.iou(Confusion.Convention.VOC)).boxed().toList();
  }

  /** Image, maps, label and truth of the first images, side by side. */
  Image picture(float factor) {
    String[] captions = {"IMAGE", CAM, IS_CAM, AE_IS_CAM, "LABEL", "TRUTH"};
    PictureGrid grid = new PictureGrid(CELL, captions, shown.size());
    for (int row = 0; row < shown.size(); row++) {
      Shown one = shown.get(row);
      Image image = dataset.image(one.sample);
      byte[][] cells = {
        image.rgb(),
        heat(image, one.maps.cam()),
        heat(image, one.maps.isCam()),
        heat(image, one.maps.last()),
        Overlay.labels(image.rgb(), FactorSweep.bytes(one.maps.last().labels(factor))),
        Overlay.labels(image.rgb(), one.truth.index())
      };
      for (int column = 0; column < cells.length; column++) {
        grid.put(row, column, cells[column], image.height(), image.width());
      }
    }
    return new Image(grid.width(), grid.height(), grid.rgb());
  }

  private static byte[] heat(Image image, Localization maps) {
    int pixels = maps.height() * maps.width();
    float[][] each = new float[maps.classes().length][pixels];
    for (int k = 0; k < each.length; k++) {
      System.arraycopy(maps.maps(), k * pixels, each[k], 0, pixels);
    }
    return Overlay.heat(image.rgb(), each, maps.classes());
  }
}
