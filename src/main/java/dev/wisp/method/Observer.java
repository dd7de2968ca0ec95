package dev.wisp.method;

import dev.wisp.tensor.Tensor;

/** Sees what the network computes on the way: for tests, pictures and measurements. */
@FunctionalInterface
public interface Observer {
  /** What is seen. Maps hold the rows of the pass's class list. */
  enum Stage {
    /** Output of the stem, after its pooling. */
    STEM,
    X1,
    X2,
    X3,
    X4,
    /** The hierarchical feature, {@code [N, h, w, D]}. */
    FEATURE,
    /** Raw class activation maps, {@code [N, h, w, K]}. */
    CAM,
    /** Class scores, {@code [N, K]}. */
    SCORE,
    /** Normalised CAM with the background, {@code [rows, h, w]}. */
    MAPS,
    /** Structure seeds, {@code [N, h, w]}. */
    SEEDS,
    /** IoU of structure analysis; computed only when somebody observes. */
    IOU,
    /** Argmax that gives a later PR its seeds. */
    ARGMAX,
    /** The same after the growth limit, if that is on and a PAMR came before. */
    LIMITED,
    /** Prototypes of each PR. */
    PROTOTYPES,
    /** Maps of each IS. */
    REACTIVATED,
    /** Maps of each PAMR at the guide's size. */
    REFINED_FULL,
    /** Maps of each PAMR at the feature grid. */
    REFINED,
    /** The final maps, normalised as configured. */
    FINAL,
    /** The final maps as the consistency loss takes them. */
    LOSS
  }

  /** Sees nothing. */
  Observer NONE = (stage, value) -> {};

  /**
   * Called on the compute thread; the tensor is valid during the call only. Stages that happen
   * several times come in order.
   */
  void see(Stage stage, Tensor value);
}
