package dev.wisp.backend.cuda;

import static org.bytedeco.cuda.global.nccl.*;

import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.nccl.ncclComm;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One card of a {@link NcclCollective}: its communicator and its backend's stream. What computes
 * runs on the backend's compute thread; {@link #abort} may be called from any, also while this card
 * waits for the others.
 */
final class NcclRank {
  private static final Logger LOG = LoggerFactory.getLogger(NcclRank.class);

  private final CudaBackend backend;
  private final CudaContext context;
  private final ncclComm communicator;
  private final CUstream_st stream;

  /** For the operand of one call; on the compute thread. */
  private final Cudnn.Address address = new Cudnn.Address();

  /** Guarded by this object: whether the communicator was given back. */
  private boolean gone;

  NcclRank(CudaBackend backend, ncclComm communicator) {
    this.backend = backend;
    this.communicator = communicator;
    context = backend.context();
    stream = new CUstream_st(new Cudnn.Address().at(context.session().streamHandle()));
  }

  /** A tensor with elements. */
  record Part(long address, long elements, Tensor tensor) {}

  /** Refuses a failed call that concerns no single card. */
  static void require(int status, String function, String cards) {
    if (status != ncclSuccess) {
      throw new WispException(
          "NCCL does not start on %s: %s failed: %s".formatted(cards, function, words(status)));
    }
  }

  /** {@code unhandled cuda error (what exactly)}. */
  private static String words(int status) {
    String name = ncclGetErrorString(status).getString();
    // The communicator is not looked at.
    String detail = ncclGetLastError(new ncclComm()).getString().replaceAll("\\s+", " ").strip();
    return detail.isEmpty() ? name : "%s (%s)".formatted(name, detail);
  }

  /**
   * Checks that tensors are this card's, alive and F32.
   *
   * @return those with elements
   */
  List<Part> check(List<Tensor> tensors) {
    return backend.compute(
        () -> {
          CudaCall call = context.call("average");
          List<Part> parts = new ArrayList<>();
          for (int i = 0; i < tensors.size(); i++) {
            Tensor tensor = tensors.get(i);
            long memory = call.outAny("tensor " + i, tensor);
            long elements = tensor.shape().elements();
            if (elements > 0) {
              parts.add(new Part(memory, elements, tensor));
            }
          }
          return parts;
        });
  }

  /**
   * Replaces tensors by the mean over all cards, and waits for it.
   *
   * @param what is done, for messages
   */
  void average(List<Part> parts, String what) {
    backend.run(
        () -> {
          CudaStatus status = context.status();
          status.during(() -> what);
          try {
            combine(parts);
          } finally {
            status.during(null);
          }
        });
  }

  private void combine(List<Part> parts) {
    context.queue().flush();
    check(ncclGroupStart(), "ncclGroupStart", "card " + backend.device());
    try {
      queue(parts);
    } catch (RuntimeException refused) {
      ncclGroupEnd(); // The group belongs to the thread and must not outlive the call.
      throw refused;
    }
    // Outside the lock: both may wait for other cards, until these come or one of them aborts.
    check(ncclGroupEnd(), "ncclGroupEnd", "card " + backend.device());
    context.session().synchronize("NCCL's work");
    requireNoLateError();
  }

  private synchronized void queue(List<Part> parts) {
    requireHere();
    for (Part part : parts) {
      address.at(part.address());
      check(
          ncclAllReduce(
              address, address, part.elements(), ncclFloat32, ncclAvg, communicator, stream),
          "ncclAllReduce",
          "%s on card %d".formatted(part.tensor(), backend.device()));
    }
  }

  /** What went wrong while the cards computed. */
  private synchronized void requireNoLateError() {
    requireHere();
    int[] late = new int[1];
    String card = "card " + backend.device();
    check(ncclCommGetAsyncError(communicator, late), "ncclCommGetAsyncError", card);
    check(late[0], "the work", card);
  }

  private void requireHere() {
    if (gone) {
      throw new WispException("average: another card's error has ended it");
    }
  }

  private void check(int status, String function, String what) {
    if (status == ncclSuccess) {
      return;
    }
    String words = words(status);
    // Asked, not waited for: what was launched may wait for a card that never comes.
    int pending = JCudaDriver.cuStreamQuery(context.stream());
    if (pending != CUresult.CUDA_SUCCESS && pending != CUresult.CUDA_ERROR_NOT_READY) {
      words += "; the driver: " + CudaDriverApi.describe(pending);
      throw context.status().lost(context.status().text(function, what, words));
    }
    throw new WispException(
        "%s; to do without NCCL give -D%s=host"
            .formatted(context.status().text(function, what, words), CudaCollectives.PROPERTY));
  }

  /** Ends the communicator, also under a call that waits. From any thread, any number of times. */
  synchronized void abort() {
    if (!gone) {
      gone = true;
      release(ncclCommAbort(communicator));
    }
  }

  /** Gives the communicator back; nothing may be under way. */
  synchronized void close() {
    if (context.status().isBroken()) {
      abort(); // There is nothing left to wait for.
    } else if (!gone) {
      gone = true;
      release(ncclCommDestroy(communicator));
    }
  }

  private void release(int status) {
    if (status != ncclSuccess && !context.status().isBroken()) {
      LOG.debug("NCCL refused to take a communicator back: {}", words(status));
    }
  }
}
