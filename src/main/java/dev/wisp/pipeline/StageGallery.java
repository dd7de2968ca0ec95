package dev.wisp.pipeline;

import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.method.Localization;
import java.nio.file.Path;
import java.util.Map;

/**
 * Keeps the maps before the final ones of those images that a report will show, and writes them
 * below a labelling's folder: {@code stages/CAM/ID.npz} and {@code stages/IS-CAM/ID.npz}.
 */
final class StageGallery implements Labelling.Witness {
  private final Dataset dataset;
  private final float factor;
  private final Showcase<StageMaps> showcase = new Showcase<>(Showcase.STANDARD);

  /**
   * Keeps nothing yet.
   *
   * @param factor the background factor of the labels, by whose scores images are chosen
   */
  StageGallery(Dataset dataset, float factor) {
    this.dataset = dataset;
    this.factor = factor;
  }

  @Override
  public void see(Sample sample, StageMaps maps) {
    double score = Double.NaN;
    if (sample.mask().isPresent()) {
      Confusion confusion = new Confusion(dataset.classCount() + 1);
      confusion.add(
          Evaluation.truth(dataset, sample).index(), FactorSweep.bytes(maps.last().labels(factor)));
      score = confusion.meanIou(Confusion.Convention.VOC);
    }
    showcase.add(sample.id(), score, maps);
  }

  /** Writes what was kept. */
  void write(Path labelling) {
    showcase.shown().forEach(one -> write(labelling, one.id(), one.value()));
  }

  /** Writes the earlier stages' maps of one image. */
  static void write(Path folder, String id, StageMaps maps) {
    Map.of(MapComparison.CAM, maps.cam(), MapComparison.IS_CAM, maps.isCam())
        .forEach(
            (stage, map) ->
                write(
                    folder.resolve(Labelling.STAGES).resolve(stage).resolve(id + MapFiles.ENDING),
                    map));
  }

  private static void write(Path file, Localization maps) {
    int pixels = maps.height() * maps.width();
    MapFiles.write(
        file,
        maps.classes(),
        maps.height(),
        maps.width(),
        row ->
            (at, into, count) ->
                System.arraycopy(
                    maps.maps(), Math.toIntExact(row * (long) pixels + at), into, 0, count));
  }
}
