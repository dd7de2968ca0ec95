package dev.wisp.golden;

import dev.wisp.backend.Backend;
import java.util.List;

/** One kind of golden vectors: which files hold it, and how a backend is compared with a case. */
public interface GoldenSubject {
  /** All kinds, the cheap ones first. */
  List<GoldenSubject> ALL =
      List.of(
          new PamrGolden(),
          new SeedGolden(),
          new CrfGolden(),
          new RandomWalkGolden(),
          new IrnLabelGolden(),
          new PseudoLabelGolden(),
          new IrnForwardGolden(),
          new IrnTrainGolden(),
          new HeadGolden(),
          new TrainGolden(),
          new SgdGolden(),
          new InferGolden(),
          new DeepLabGolden());

  /** Subfolder of the vectors, such as {@code ae_sipe}. */
  String folder();

  /** Regular expression for the files' names without extension. */
  String files();

  /** Cases of a file, at least one; an empty name where the file is one case. */
  default List<String> cases(GoldenFile file) {
    return List.of("");
  }

  /** Whether a case runs whole networks: too much for the reference backend. */
  default boolean wholeNetwork() {
    return false;
  }

  /**
   * Compares one case.
   *
   * @param report takes the comparisons; it is finished by the caller
   */
  void check(GoldenFolder folder, GoldenCase report, Backend backend);
}
