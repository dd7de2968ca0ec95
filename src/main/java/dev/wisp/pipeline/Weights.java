package dev.wisp.pipeline;

import dev.wisp.io.FileErrors;
import dev.wisp.io.TensorFile;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.DeepLabNet;
import dev.wisp.method.IrnNet;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens weight files of every kind that Wisp reads. */
final class Weights {
  private Weights() {}

  /** Opens a file; its content says which kind it is. */
  static TensorFile open(Path file) {
    if (!Files.isRegularFile(file)) {
      throw FileErrors.of(file, "no such weights file");
    }
    return TensorFile.open(file);
  }

  /** Sets the encoder of a network. */
  static void loadEncoder(AeSipeNet network, Path file) {
    try (TensorFile in = open(file)) {
      network.loadEncoder(in);
    }
  }

  /**
   * Sets all of a segmentation network from a file that has all of it, such as torchvision's, else
   * its encoder.
   */
  static void begin(DeepLabNet network, Path file) {
    try (TensorFile in = open(file)) {
      if (network.isCoveredBy(in)) {
        network.load(in);
      } else {
        network.loadEncoder(in);
      }
    }
  }

  /** Sets all of a segmentation network that is not to be trained. */
  static void loadFrozen(DeepLabNet network, Path file) {
    try (TensorFile in = open(file)) {
      network.load(in);
    }
    network.freeze();
  }

  /** Sets all of a network that is only to label: see {@link AeSipeNet#freeze}. */
  static void loadFrozen(AeSipeNet network, Path file) {
    try (TensorFile in = open(file)) {
      network.load(in);
    }
    network.freeze();
  }

  /** Sets the encoder of IRN. */
  static void loadEncoder(IrnNet network, Path file) {
    try (TensorFile in = open(file)) {
      network.loadEncoder(in);
    }
  }

  /** Sets all of IRN that is not to be trained. */
  static void loadFrozen(IrnNet network, Path file) {
    try (TensorFile in = open(file)) {
      network.load(in);
    }
    network.freeze();
  }
}
