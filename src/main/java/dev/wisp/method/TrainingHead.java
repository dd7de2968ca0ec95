package dev.wisp.method;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.MapFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.method.AeSipeConfig.SeedFeature;
import dev.wisp.method.Observer.Stage;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What training and validation do with the head's output: only labelled classes compete, and both
 * losses (method.md section 7).
 */
final class TrainingHead {
  /**
   * Losses, {@code [1]} each.
   *
   * @param classification multi-label soft margin
   * @param consistency mean absolute difference of CAM and final maps
   */
  record Result(Tensor classification, Tensor consistency) {}

  private final Tape tape;
  private final AeSipeConfig config;
  private final ClassRows present;
  private final Observer observer;

  TrainingHead(Tape tape, AeSipeConfig config, int[][] labels, Observer observer) {
    this.tape = tape;
    this.config = config;
    this.present = ClassRows.present(labels, config.foreground());
    this.observer = observer;
  }

  ClassRows present() {
    return present;
  }

  /**
   * Both losses, recorded on the tape; takes over the head's output.
   *
   * @param valid {@code [N, h, w]} on the host, or null
   */
  Result losses(Head.Output out, Tensor guide, int[][] labels, float @Nullable [] valid) {
    Backend backend = tape.backend();
    Shape grid = out.cam().value().shape();
    Tensor mask = null;
    if (valid != null) {
      mask = tape.scope().f32(grid.size(0), grid.size(1), grid.size(2));
      backend.upload(valid, mask);
    }
    Var score = FeatureFunctions.spatialMean(tape, out.cam());
    observer.see(Stage.SCORE, score.value());
    Tensor label = tape.scope().f32(grid.size(0), config.foreground());
    backend.upload(TrainingBatch.matrix(labels, config.foreground()), label);
    Tensor classification = MapFunctions.softMarginLoss(tape, score, label);
    Var maps = MapFunctions.camToMaps(tape, out.cam(), mask, present, Head.EPS);
    Var last = maps(out, maps, guide, mask);
    Var normalized = MapFunctions.normalize(tape, last, Normalization.MAX, Head.EPS);
    observer.see(Stage.LOSS, normalized.value());
    Tensor consistency = MapFunctions.meanAbsoluteDifference(tape, maps, normalized, present);
    return new Result(classification, consistency);
  }

  /** Final maps without losses; takes over the head's output. */
  Var maps(Head.Output out, Tensor guide) {
    Var maps = MapFunctions.camToMaps(tape, out.cam(), null, present, Head.EPS);
    return maps(out, maps, guide, null);
  }

  private Var maps(Head.Output out, Var maps, Tensor guide, @Nullable Tensor mask) {
    MapPipeline pipeline = new MapPipeline(tape, config, present, guide, observer);
    Var compared = config.seedFeature() == SeedFeature.SEMANTIC ? out.x4() : out.feature();
    if (compared == null) {
      throw new AssertionError("the head let go of x4, which is compared");
    }
    Tensor seeds = pipeline.seeds(compared.value(), maps.value(), present, mask);
    Var last = pipeline.run(out.feature(), seeds);
    out.release();
    return last;
  }
}
