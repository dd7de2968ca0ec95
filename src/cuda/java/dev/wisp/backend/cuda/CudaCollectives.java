package dev.wisp.backend.cuda;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Collective;
import dev.wisp.common.WispException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses what averages over several cards. */
final class CudaCollectives {
  /** System property: {@code auto}, {@code nccl} or {@code host}. */
  static final String PROPERTY = "wisp.cuda.collective";

  private static final String AUTO = "auto";
  private static final String NCCL = "nccl";
  private static final String HOST = "host";
  private static final Logger LOG = LoggerFactory.getLogger(CudaCollectives.class);

  private CudaCollectives() {}

  /**
   * NCCL, where it is there and the backends are on different cards.
   *
   * @return empty for the way through the host's memory
   * @throws WispException in one line, if the property asks for what there is not
   */
  static Optional<Collective> choose(List<Backend> backends) {
    String wanted = System.getProperty(PROPERTY, AUTO);
    if (!List.of(AUTO, NCCL, HOST).contains(wanted)) {
      throw new WispException(
          "-D%s is '%s'; give %s, %s or %s".formatted(PROPERTY, wanted, AUTO, NCCL, HOST));
    }
    List<CudaBackend> cards = new ArrayList<>();
    for (Backend backend : backends) {
      if (backend instanceof CudaBackend card) {
        cards.add(card);
      }
    }
    long different = cards.stream().map(CudaBackend::device).distinct().count();
    if (wanted.equals(HOST)
        || backends.size() < 2
        || cards.size() < backends.size()
        || different < backends.size()) {
      return Optional.empty();
    }
    String reason = NcclLibrary.missing();
    if (reason == null) {
      try {
        return Optional.of(NcclCollective.open(cards));
      } catch (WispException refused) {
        reason = String.valueOf(refused.getMessage());
      } catch (LinkageError broken) {
        reason =
            "NCCL's preset cannot be loaded: "
                + String.valueOf(broken.getMessage()).replaceAll("\\s+", " ");
      }
    }
    if (wanted.equals(NCCL)) {
      throw new WispException("-D%s=%s: %s".formatted(PROPERTY, NCCL, reason));
    }
    LOG.info("{}; gradients pass through the host's memory", reason);
    return Optional.empty();
  }
}
