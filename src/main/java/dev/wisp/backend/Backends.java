package dev.wisp.backend;

import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.WispException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** The backends of this build, by name and rank. */
public final class Backends {
  /** The name that chooses the usable backend of highest rank. */
  public static final String AUTO = "auto";

  private static final String CPU = "cpu";
  private static final String CUDA = "cuda";
  private static final int CPU_RANK = 1;
  private static final int CUDA_RANK = 2;

  private Backends() {}

  /**
   * A backend a user can name.
   *
   * @param rank the usable one of highest rank is chosen automatically
   * @param usable whether it can be opened here
   * @param detail one line: what it is, or what is missing and what to do
   */
  public record Candidate(String name, int rank, boolean usable, String detail) {}

  /** All names this build knows, highest rank first, each with its state on this machine. */
  public static List<Candidate> candidates() {
    List<Candidate> all = new ArrayList<>();
    for (BackendProvider provider : providers()) {
      all.add(provider.candidate());
    }
    if (all.stream().noneMatch(candidate -> candidate.name().equals(CUDA))) {
      all.add(withoutCuda());
    }
    all.add(new Candidate(CPU, CPU_RANK, true, "oneDNN and the project's own kernels"));
    all.sort(Comparator.comparingInt(Candidate::rank).reversed());
    return all;
  }

  private static ServiceLoader<BackendProvider> providers() {
    return ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader());
  }

  /**
   * The backend a name stands for.
   *
   * @param name {@code auto}, or the name of a candidate, perhaps with a colon and a choice of its
   *     own after it ({@code cuda:1}); a named one that cannot run is an error, never replaced by
   *     another
   * @throws WispException in one line, if the name is unknown or its backend cannot run here
   */
  public static Candidate choose(String name) {
    List<Candidate> all = candidates();
    if (name.equals(AUTO)) {
      return all.stream()
          .filter(Candidate::usable)
          .max(Comparator.comparingInt(Candidate::rank))
          .orElseThrow(() -> new WispException("no backend can run here: " + reasons(all)));
    }
    String bare = name.equals(CPU) ? name : name.replaceFirst("(?<=.):.*", "");
    Candidate chosen =
        all.stream()
            .filter(candidate -> candidate.name().equals(bare))
            .filter(candidate -> bare.equals(name) || !candidate.name().equals(CPU))
            .findFirst()
            .orElseThrow(
                () ->
                    new WispException(
                        "unknown device '%s'; choose one of %s, %s"
                            .formatted(
                                name,
                                AUTO,
                                all.stream()
                                    .map(Candidate::name)
                                    .sorted()
                                    .collect(Collectors.joining(", ")))));
    if (!chosen.usable()) {
      throw new WispException(
          "device '%s' cannot be used: %s; use cpu".formatted(name, chosen.detail()));
    }
    return chosen;
  }

  /** One line for a log: what {@code auto} takes here, and why not something else. */
  public static String explainAuto() {
    Candidate chosen = choose(AUTO);
    String passedOver =
        candidates().stream()
            .filter(candidate -> !candidate.name().equals(chosen.name()))
            .filter(candidate -> !candidate.usable() || !candidate.name().equals(CPU))
            .map(candidate -> "; not %s: %s".formatted(candidate.name(), candidate.detail()))
            .collect(Collectors.joining());
    return "device %s%s".formatted(chosen.name(), passedOver);
  }

  /**
   * Opens a backend by name; the caller closes it.
   *
   * @param name as for {@link #choose}
   * @param cpu how the cpu is opened, where it is chosen
   * @throws WispException in one line, if it cannot be opened
   */
  public static Backend open(String name, CpuOptions cpu) {
    Candidate chosen = choose(name);
    for (BackendProvider provider : providers()) {
      if (provider.candidate().name().equals(chosen.name())) {
        int colon = name.indexOf(':');
        return provider.open(colon < 0 ? "" : name.substring(colon + 1));
      }
    }
    return CpuBackend.open(cpu);
  }

  /**
   * What averages tensors over several open backends, the fastest way they have in common; the
   * caller closes it before them.
   */
  public static Collective collective(List<Backend> backends) {
    for (BackendProvider provider : providers()) {
      Optional<Collective> own = provider.collective(backends);
      if (own.isPresent()) {
        return own.get();
      }
    }
    return new HostCollective(backends);
  }

  private static Candidate withoutCuda() {
    String driver =
        CudaDriver.isPresent()
            ? "an NVIDIA driver is installed (libcuda.so.1)"
            : "no NVIDIA driver was found (libcuda.so.1 cannot be loaded)";
    return new Candidate(CUDA, CUDA_RANK, false, "this build has no cuda backend, and " + driver);
  }

  private static String reasons(List<Candidate> all) {
    return all.stream()
        .map(candidate -> candidate.name() + ": " + candidate.detail())
        .collect(Collectors.joining("; "));
  }
}
