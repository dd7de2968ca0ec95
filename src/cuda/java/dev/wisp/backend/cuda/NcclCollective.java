package dev.wisp.backend.cuda;

import static org.bytedeco.cuda.global.nccl.*;

import dev.wisp.backend.Collective;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.javacpp.PointerPointer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Collective} of NCCL: each card computes the mean on its backend's own stream, memory of
 * the host is not touched. Which card adds which part in which order is NCCL's choice, the same in
 * each call on the same machine; every card receives the same bits. Touches the preset's classes:
 * only where {@link NcclLibrary} has found NCCL.
 *
 * <p>A card that fails ends the communicators of all, so that none waits for it; the collective
 * then refuses every call.
 */
final class NcclCollective implements Collective {
  private static final Executor THREADS = task -> Thread.ofVirtual().start(task);

  private final List<NcclRank> ranks;
  private final String version;
  private final String cards;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  private NcclCollective(List<NcclRank> ranks, String version, String cards) {
    this.ranks = ranks;
    this.version = version;
    this.cards = cards;
  }

  /**
   * Makes a communicator for each card.
   *
   * @param backends on different cards, two or more
   * @throws WispException in one line, if NCCL does not start on them
   */
  static NcclCollective open(List<CudaBackend> backends) {
    String cards =
        backends.stream().map(b -> "cuda:" + b.device()).collect(Collectors.joining(", "));
    int[] version = new int[1];
    NcclRank.require(ncclGetVersion(version), "ncclGetVersion", cards);
    // By one thread for all, in the cards' primary contexts, which are the backends' too: a card
    // that cannot take part is an error at once, where separate calls would wait for each other.
    int[] devices = backends.stream().mapToInt(CudaBackend::device).toArray();
    List<NcclRank> ranks = new ArrayList<>();
    try (PointerPointer<ncclComm> communicators = new PointerPointer<>(devices.length)) {
      NcclRank.require(
          ncclCommInitAll(communicators, devices.length, devices), "ncclCommInitAll", cards);
      for (int i = 0; i < devices.length; i++) {
        ranks.add(new NcclRank(backends.get(i), communicators.get(ncclComm.class, i)));
      }
    }
    return new NcclCollective(List.copyOf(ranks), NcclLibrary.version(version[0]), cards);
  }

  @Override
  public void average(List<List<Tensor>> tensors) {
    List<Shape> shapes = Collective.commonShapes(tensors, ranks.size());
    if (failure.get() != null) {
      throw new WispException(
          "average: the communicators of %s were ended by an earlier error (%s); start the process again"
              .formatted(cards, failure.get().getMessage()));
    }
    // All are checked before one begins: the others would wait for a card that refuses.
    List<List<NcclRank.Part>> parts = new ArrayList<>();
    for (int i = 0; i < ranks.size(); i++) {
      parts.add(ranks.get(i).check(tensors.get(i)));
    }
    if (parts.getFirst().isEmpty()) {
      return;
    }
    String what = "average of %d tensors on %s".formatted(shapes.size(), cards);
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < ranks.size(); i++) {
      NcclRank rank = ranks.get(i);
      List<NcclRank.Part> own = parts.get(i);
      all.add(CompletableFuture.runAsync(() -> attempt(() -> rank.average(own, what)), THREADS));
    }
    // Not to be interrupted: the cards are writing.
    CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).join();
    Throwable first = failure.get();
    if (first != null) {
      throw NcclCollective.<RuntimeException>asItIs(first);
    }
  }

  /** Keeps the first error, the cause of the others', and ends every card's waiting. */
  private void attempt(Runnable task) {
    try {
      task.run();
    } catch (Throwable error) {
      failure.compareAndSet(null, error);
      ranks.forEach(NcclRank::abort);
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> E asItIs(Throwable failure) throws E {
    throw (E) failure;
  }

  @Override
  public String describe() {
    return "gradients averaged by NCCL " + version;
  }

  @Override
  public void close() {
    ranks.forEach(NcclRank::close);
  }
}
