package dev.wisp;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.data.synth.SynthDataset;
import dev.wisp.data.synth.SynthOptions;
import dev.wisp.io.Safetensors;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeNet;
import dev.wisp.nn.StateDict;
import java.nio.file.Path;
import java.util.Map;

/** A dataset and the weights of an untrained demonstration network, for tests of what uses them. */
public final class TinyNetwork {
  private TinyNetwork() {}

  /** Six training and three scored images of 48 pixels, five classes. */
  public static Path dataset(Path folder) {
    SynthDataset.write(new SynthOptions(48, 6, 3, 5, 7), folder);
    return folder;
  }

  /** Weights without any word about recipe or classes, as a foreign file would be. */
  public static Path weights(Path file) {
    try (Backend backend = CpuBackend.open(CpuOptions.standard().withThreads(1));
        AeSipeNet network = new AeSipeNet(backend, AeSipeConfig.demo(5))) {
      network.initialize(3);
      Safetensors.write(file, StateDict.entries(backend, network.parameters()), Map.of());
    }
    return file;
  }
}
