package dev.wisp.backend.cuda;

import dev.wisp.backend.Backend;
import dev.wisp.backend.BackendProvider;
import dev.wisp.backend.Backends.Candidate;
import dev.wisp.backend.Collective;
import dev.wisp.common.WispException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The cuda backend, as far as this machine can run it. Asks for the driver's library before any
 * class is touched that cannot do without; the software CUDA device is opened when it is named,
 * never chosen automatically.
 */
public final class CudaProvider implements BackendProvider {
  private static final String NAME = "cuda";
  private static final int RANK = 2;

  /** Below the cpu's. */
  private static final int REFEREE_RANK = 0;

  /** For the service loader. */
  public CudaProvider() {}

  @Override
  public Candidate candidate() {
    try {
      CudaProbe.requireDriver();
      List<CudaDevice> devices = CudaSession.devices();
      String compiler = "NVRTC " + NvrtcLibrary.load().version();
      String convolutions = CudnnLibrary.find().note();
      boolean referee = devices.getFirst().referee();
      String detail =
          devices.stream()
              .map(device -> "cuda:%d is %s".formatted(device.index(), device))
              .collect(Collectors.joining("; ", "", "; %s; %s".formatted(compiler, convolutions)));
      return new Candidate(
          NAME,
          referee ? REFEREE_RANK : RANK,
          true,
          referee ? detail + "; it only checks kernels, name it to use it" : detail);
    } catch (WispException missing) {
      return unusable(String.valueOf(missing.getMessage()));
    } catch (LinkageError broken) {
      return unusable("JCuda cannot be loaded: " + broken.getMessage());
    }
  }

  private static Candidate unusable(String reason) {
    return new Candidate(NAME, RANK, false, reason.replaceAll("\\s+", " "));
  }

  @Override
  public Backend open(String choice) {
    int device;
    try {
      device = choice.isEmpty() ? 0 : Integer.parseInt(choice);
    } catch (NumberFormatException wrong) {
      device = -1;
    }
    if (device < 0) {
      throw new WispException(
          "device 'cuda:%s': give the number of a card, for example cuda:0".formatted(choice));
    }
    return CudaBackend.open(CudaOptions.standard().withDevice(device));
  }

  @Override
  public Optional<Collective> collective(List<Backend> backends) {
    // By name first: other backends' machines may lack what the classes below need.
    return backends.stream().allMatch(backend -> backend.name().equals(NAME))
        ? CudaCollectives.choose(backends)
        : Optional.empty();
  }
}
