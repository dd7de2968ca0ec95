package dev.wisp.pipeline;

import dev.wisp.io.FileErrors;
import dev.wisp.io.Safetensors;
import dev.wisp.io.TensorFile;
import dev.wisp.io.TorchFile;
import dev.wisp.method.AeSipeNet;
import java.io.IOException;
import java.io.InputStream;
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
    return isSafetensors(file) ? Safetensors.open(file) : TorchFile.open(file);
  }

  /** A safetensors file has its header's opening brace behind eight bytes of length. */
  private static boolean isSafetensors(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] start = in.readNBytes(9);
      return start.length == 9 && start[8] == '{';
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  /** Sets the encoder of a network. */
  static void loadEncoder(AeSipeNet network, Path file) {
    try (TensorFile in = open(file)) {
      network.loadEncoder(in);
    }
  }

  /** Sets all of a network that is only to label: see {@link AeSipeNet#freeze}. */
  static void loadFrozen(AeSipeNet network, Path file) {
    try (TensorFile in = open(file)) {
      network.load(in);
    }
    network.freeze();
  }
}
