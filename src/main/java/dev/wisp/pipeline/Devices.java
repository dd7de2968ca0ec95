package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.WispException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the device that a user names. */
public final class Devices {
  private static final Logger LOG = LoggerFactory.getLogger(Devices.class);
  private static final int MOST_THREADS = 4096;

  private Devices() {}

  /**
   * Opens a backend; the caller closes it.
   *
   * @param device {@code auto} or a name that {@link Backends} knows
   * @param threads of the cpu; 0 for one per core
   * @throws WispException if the name is unknown or the device cannot be used
   */
  public static Backend open(String device, int threads) {
    check(device, threads);
    if (device.equals(Backends.AUTO)) {
      LOG.info("{}", Backends.explainAuto());
    }
    return Backends.open(device, CpuOptions.standard().withThreads(threads));
  }

  /** Open devices, closed together. */
  public record Group(List<Backend> backends) implements AutoCloseable {
    @Override
    public void close() {
      backends.reversed().forEach(Backend::close);
    }
  }

  /**
   * Opens one device or several; the caller closes the group.
   *
   * @param devices as for {@link #open}, or several names with commas between them
   * @param threads of each cpu; 0 for one per core
   * @throws WispException if one of the names is unknown or its device cannot be used
   */
  public static Group openAll(String devices, int threads) {
    List<Backend> open = new ArrayList<>();
    try {
      for (String device : devices.split(",", -1)) {
        open.add(open(device, threads));
      }
    } catch (RuntimeException unusable) {
      new Group(open).close();
      throw unusable;
    }
    return new Group(List.copyOf(open));
  }

  /** Refuses a device that nobody knows, and a wrong number of threads. */
  static void check(String device, int threads) {
    if (threads < 0 || threads > MOST_THREADS) {
      throw new WispException("--threads is %d; give 0..%d".formatted(threads, MOST_THREADS));
    }
    List<String> known =
        Stream.concat(
                Stream.of(Backends.AUTO),
                Backends.candidates().stream().map(Backends.Candidate::name).sorted())
            .toList();
    if (device.contains(",")) {
      throw new WispException(
          "--device is %s; several devices are for wisp train only".formatted(device));
    }
    // A choice of the device's own may follow, as in cuda:1.
    if (!known.contains(device.replaceFirst("(?<=cuda):.*", ""))) {
      throw new WispException(
          "--device is %s; give one of %s".formatted(device, String.join(", ", known)));
    }
  }
}
