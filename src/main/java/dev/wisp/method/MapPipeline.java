package dev.wisp.method;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.MapFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.backend.PamrOptions;
import dev.wisp.method.AeSipeConfig.MapNormalization;
import dev.wisp.method.Observer.Stage;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** From features and CAM to the final maps of one batch (method.md sections 3 to 6). */
final class MapPipeline {
  private final Tape tape;
  private final Backend backend;
  private final AeSipeConfig config;
  private final ClassRows present;
  private final Tensor guide;
  private final Observer observer;
  private @Nullable Tensor affinity;

  /** The maps that the last PAMR refined, as shares of their maxima; null if nothing is limited. */
  private @Nullable Tensor support;

  /**
   * A pipeline for one batch.
   *
   * @param present background and labelled classes of each image
   * @param guide {@code [N, H', W', 3]}
   */
  MapPipeline(Tape tape, AeSipeConfig config, ClassRows present, Tensor guide, Observer observer) {
    this.tape = tape;
    this.backend = tape.backend();
    this.config = config;
    this.present = present;
    this.guide = guide;
    this.observer = observer;
  }

  /**
   * Structure seeds.
   *
   * @param feature what is compared
   * @param maps of the classes that compete
   * @param competing the maps' rows
   * @param valid {@code [N, h, w]} or null
   */
  Tensor seeds(Tensor feature, Tensor maps, ClassRows competing, @Nullable Tensor valid) {
    Shape s = feature.shape();
    Tensor seeds = tape.scope().i32(s.size(0), s.size(1), s.size(2));
    Tensor iou =
        observer == Observer.NONE ? null : tape.scope().allocate(maps.type(), maps.shape());
    observer.see(Stage.MAPS, maps);
    backend.structureSeeds(feature, maps, competing, present, valid, Head.EPS, seeds, iou);
    observer.see(Stage.SEEDS, seeds);
    if (iou != null) {
      observer.see(Stage.IOU, iou);
      iou.release();
    }
    return seeds;
  }

  /** Runs the sequence from the structure seeds and normalises its maps as configured. */
  Var run(Var feature, Tensor structureSeeds) {
    MapSequence sequence = config.sequence();
    Var constant = feature.detached();
    Tensor seeds = structureSeeds;
    Var prototypes = null;
    Var maps = null;
    for (int i = 0; i < sequence.steps().size(); i++) {
      // Later prototypes take an argmax, which no gradient passes.
      Var f = i < sequence.lastPrototypes() ? constant : feature;
      switch (sequence.steps().get(i)) {
        case PR -> {
          if (maps != null) {
            seeds = limited(argmax(maps.value()));
            maps.release();
          }
          prototypes = FeatureFunctions.prototypes(tape, f, seeds, present);
          observer.see(Stage.PROTOTYPES, prototypes.value());
        }
        case IS -> {
          Var from = required(prototypes);
          maps = FeatureFunctions.reactivate(tape, f, from, present);
          from.release();
          observer.see(Stage.REACTIVATED, maps.value());
        }
        case PAMR -> {
          Var coarse = required(maps);
          support = config.growthLimit() > 0 ? shares(coarse.value()) : null;
          maps = tape.result(refine(coarse.value()));
          coarse.release();
        }
      }
    }
    constant.release();
    if (affinity != null) {
      affinity.release();
      affinity = null;
    }
    Var last = normalized(required(maps));
    observer.see(Stage.FINAL, last.value());
    return last;
  }

  private static Var required(@Nullable Var step) {
    if (step == null) {
      throw new AssertionError("a legal sequence begins with pr,is");
    }
    return step;
  }

  private Var normalized(Var maps) {
    if (config.normalization() == MapNormalization.NONE) {
      return maps;
    }
    Normalization mode =
        config.normalization() == MapNormalization.MAX ? Normalization.MAX : Normalization.MIN_MAX;
    Var out = MapFunctions.normalize(tape, maps, mode, Head.EPS);
    maps.release();
    return out;
  }

  private Tensor argmax(Tensor maps) {
    Shape s = maps.shape();
    Tensor seeds = tape.scope().i32(present.images(), s.size(1), s.size(2));
    backend.argmaxMaps(maps, present, 1, seeds);
    observer.see(Stage.ARGMAX, seeds);
    return seeds;
  }

  /** Maps before PAMR as shares of their maxima (method.md section 6, growth limit). */
  private Tensor shares(Tensor maps) {
    Tensor shares = tape.scope().allocate(maps.type(), maps.shape());
    Tensor peak = tape.scope().i32(maps.shape().size(0), 2);
    backend.normalizeMaps(maps, Normalization.MAX, Head.EPS, shares, peak);
    peak.release();
    return shares;
  }

  /** After a PAMR: without the seeds that colour carried to where their class had no support. */
  private Tensor limited(Tensor seeds) {
    Tensor shares = support;
    if (shares != null) {
      backend.limitSeeds(shares, present, (float) config.growthLimit(), seeds);
      shares.release();
      support = null;
      observer.see(Stage.LIMITED, seeds);
    }
    return seeds;
  }

  /** PAMR at the guide's size, brought back to the feature grid. */
  private Tensor refine(Tensor maps) {
    Shape s = maps.shape();
    Shape g = guide.shape();
    PamrOptions options = config.pamr();
    Tensor weights = affinity;
    if (weights == null) {
      weights = tape.scope().f32(g.size(0), options.neighbours(), g.size(1), g.size(2));
      backend.pamrAffinity(guide, options, weights, null, null);
      affinity = weights;
    }
    Tensor large = MapFunctions.resize(tape, maps, g.size(1), g.size(2), true);
    Tensor refined = tape.scope().allocate(large.type(), large.shape());
    backend.pamrSteps(weights, large, present, options, refined);
    large.release();
    observer.see(Stage.REFINED_FULL, refined);
    Tensor small = MapFunctions.resize(tape, refined, s.size(1), s.size(2), true);
    refined.release();
    observer.see(Stage.REFINED, small);
    return small;
  }
}
