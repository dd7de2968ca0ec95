package dev.wisp.backend.cuda;

import static org.bytedeco.cuda.global.cudnn.*;

import dev.wisp.common.WispException;
import java.nio.charset.StandardCharsets;
import jcuda.driver.JCudaDriver;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.cudnn.cudnnActivationStruct;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * cuDNN's handle on a backend's stream, and its status codes turned into exceptions. Touches the
 * preset's classes: only where {@link CudnnLibrary} has found cuDNN. For the compute thread alone.
 */
@SuppressWarnings("deprecation") // cuDNN 9 deprecates all that is not its graphs.
final class Cudnn implements CudnnStatus, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Cudnn.class);

  /** Status codes are grouped by their thousands. */
  private static final int GROUP = 1000;

  private static final int NOT_READY = 1;
  private static final int NOT_SUPPORTED = 3;
  private static final int EXECUTION = 5;
  private static final int MESSAGE_BYTES = 1024;

  final cudnnContext handle = new cudnnContext();

  /** max(0, x), which lets NaN pass. */
  final cudnnActivationStruct relu = new cudnnActivationStruct();

  final FloatPointer zero = new FloatPointer(0f);
  final FloatPointer one = new FloatPointer(1f);

  /** For the operands of one call. */
  final Address first = new Address();

  final Address second = new Address();
  final Address third = new Address();
  final Address fourth = new Address();
  final Address fifth = new Address();
  final Address space = new Address();
  private final CudaSession session;

  /** A pointer to the device whose address is set without a new object. */
  static final class Address extends Pointer {
    Address at(long value) {
      this.address = value;
      return this;
    }
  }

  /**
   * Opens cuDNN for the context that is current.
   *
   * @throws WispException in one line, if it does not start on this card
   */
  Cudnn(CudaSession session) {
    this.session = session;
    check(cudnnCreate(handle), "cudnnCreate", session.device().name());
    try {
      CUstream_st stream = new CUstream_st(new Address().at(session.streamHandle()));
      check(cudnnSetStream(handle, stream), "cudnnSetStream", "the backend's stream");
      check(
          cudnnCreateActivationDescriptor(relu),
          "cudnnCreateActivationDescriptor",
          "the activation");
      check(
          cudnnSetActivationDescriptor(relu, CUDNN_ACTIVATION_RELU, CUDNN_PROPAGATE_NAN, 0),
          "cudnnSetActivationDescriptor",
          "the activation");
    } catch (WispException refused) {
      close();
      throw refused;
    }
  }

  /** {@code cuDNN 9.5.0}. */
  static String version() {
    return CudnnLibrary.version(cudnnGetVersion());
  }

  /** Whether a status says that cuDNN has no code for what was asked. */
  static boolean notSupported(int status) {
    return status / GROUP == NOT_SUPPORTED;
  }

  @Override
  public void check(int status, String function, String what) {
    if (status != CUDNN_STATUS_SUCCESS) {
      throw failure(status, function, what);
    }
  }

  /**
   * The exception for a failed call: after one that failed while it ran, the device counts as lost.
   */
  private RuntimeException failure(int status, String function, String what) {
    String words = words(status);
    CudaGraphs graphs = session.graphs();
    if (graphs != null && graphs.capturing()) {
      return new WispException(session.status().text(function, what, words));
    }
    int pending = JCudaDriver.cuStreamSynchronize(session.stream());
    if (pending != 0) {
      words += "; the driver: " + CudaDriverApi.describe(pending);
    }
    String text = session.status().text(function, what, words);
    if (pending != 0 || status / GROUP == EXECUTION) {
      return session.status().lost(text);
    }
    if (status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED
        || status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) {
      return CudaStatus.exhausted(text);
    }
    String remedy =
        status / GROUP == NOT_READY
            ? "install a cuDNN 9 that suits the driver and the card, or give"
            : "give";
    return new WispException("%s; %s -D%s=plain".formatted(text, remedy, CudnnOptions.USE));
  }

  /** {@code CUDNN_STATUS_X (what exactly)}. */
  private static String words(int status) {
    String name = cudnnGetErrorString(status).getString();
    // Into an array: a pointer's string would have all its bytes.
    byte[] text = new byte[MESSAGE_BYTES];
    cudnnGetLastErrorString(text, text.length);
    int length = 0;
    while (length < text.length && text[length] != 0) {
      length++;
    }
    String detail =
        new String(text, 0, length, StandardCharsets.UTF_8).replaceAll("\\s+", " ").strip();
    return detail.isEmpty() ? name : "%s (%s)".formatted(name, detail);
  }

  @Override
  public void release(int status) {
    if (status != CUDNN_STATUS_SUCCESS && !session.status().isBroken()) {
      LOG.debug("cuDNN refused to take something back: {}", words(status));
    }
  }

  @Override
  public void close() {
    if (!relu.isNull()) {
      release(cudnnDestroyActivationDescriptor(relu));
    }
    release(cudnnDestroy(handle));
    zero.deallocate();
    one.deallocate();
  }
}
