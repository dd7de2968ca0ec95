package dev.wisp.backend;

import java.util.List;
import java.util.Optional;

/**
 * A backend that a build may or may not contain, found by {@link java.util.ServiceLoader}. An
 * object of this interface is cheap and works on every machine: it says what its backend lacks.
 */
public interface BackendProvider {
  /** Name, rank and state on this machine; every failure becomes a reason, never an exception. */
  Backends.Candidate candidate();

  /**
   * Opens the backend; the caller closes it.
   *
   * @param choice what the user wrote after the name and a colon, {@code 1} of {@code cuda:1};
   *     empty if nothing
   * @throws dev.wisp.common.WispException in one line, if it cannot be opened
   */
  Backend open(String choice);

  /**
   * A {@link Collective} of this provider's own for backends that it opened itself.
   *
   * @return empty if there is none for these backends
   */
  default Optional<Collective> collective(List<Backend> backends) {
    return Optional.empty();
  }
}
