package dev.wisp.backend.cuda;

import dev.wisp.backend.DevicePeak;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One card's primary context, current on the thread that opened it, with two streams of its own:
 * one for what the card computes, behind a {@link CudaQueue}, and one for copies beside it. Touches
 * JCuda: only where {@link CudaLibrary} has found the driver.
 */
final class CudaSession {
  private static final Logger LOG = LoggerFactory.getLogger(CudaSession.class);

  /** {@code CU_EVENT_DISABLE_TIMING}. */
  static final int EVENT_WITHOUT_TIMING = 2;

  /** {@code CU_STREAM_NON_BLOCKING}: not held up by the legacy default stream. */
  private static final int STREAM_NON_BLOCKING = 1;

  private static final int NAME_BYTES = 256;

  private final CudaStatus status = new CudaStatus();
  private final CudaDevice device;
  private final CUdevice handle;
  private final CUcontext context = new CUcontext();
  private final CudaStream stream = new CudaStream();
  private final CudaStream copies = new CudaStream();
  private final @Nullable CudaGraphs graphs;
  private final CudaQueue queue;

  private CudaSession(CudaDevice device, CUdevice handle, CudaOptions options) {
    this.device = device;
    this.handle = handle;
    boolean collects = options.graphs() != CudaOptions.Graphs.OFF && !options.synchronous();
    graphs =
        collects ? new CudaGraphs(this, stream, options.graphs() == CudaOptions.Graphs.ON) : null;
    queue = new CudaQueue(status, graphs);
  }

  /** The cards of this machine, in the driver's order. */
  static List<CudaDevice> devices() {
    CudaStatus status = new CudaStatus();
    status.check(JCudaDriver.cuInit(0), "cuInit", "the driver");
    int[] count = new int[1];
    status.check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount", "the cards");
    List<CudaDevice> devices = new ArrayList<>();
    for (int i = 0; i < count[0]; i++) {
      devices.add(describe(status, i, handle(status, i)));
    }
    return devices;
  }

  private static CUdevice handle(CudaStatus status, int index) {
    CUdevice handle = new CUdevice();
    status.check(JCudaDriver.cuDeviceGet(handle, index), "cuDeviceGet", "card " + index);
    return handle;
  }

  private static CudaDevice describe(CudaStatus status, int index, CUdevice handle) {
    byte[] name = new byte[NAME_BYTES];
    status.check(
        JCudaDriver.cuDeviceGetName(name, name.length, handle), "cuDeviceGetName", "card " + index);
    long[] memory = new long[1];
    status.check(JCudaDriver.cuDeviceTotalMem(memory, handle), "cuDeviceTotalMem", "card " + index);
    int[] driver = new int[1];
    status.check(JCudaDriver.cuDriverGetVersion(driver), "cuDriverGetVersion", "the driver");
    int major =
        attribute(status, handle, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
    int minor =
        attribute(status, handle, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    return new CudaDevice(
        index,
        text(name),
        10 * major + minor,
        memory[0],
        attribute(status, handle, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
        attribute(
            status,
            handle,
            CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
        attribute(status, handle, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)
            != 0,
        driver[0],
        CudaLibrary.isReferee());
  }

  private static int attribute(CudaStatus status, CUdevice handle, int attribute) {
    int[] value = new int[1];
    status.check(
        JCudaDriver.cuDeviceGetAttribute(value, attribute, handle),
        "cuDeviceGetAttribute",
        CUdevice_attribute.stringFor(attribute));
    return value[0];
  }

  private static String text(byte[] name) {
    int length = 0;
    while (length < name.length && name[length] != 0) {
      length++;
    }
    return new String(name, 0, length, StandardCharsets.UTF_8).strip();
  }

  /**
   * Makes a card's primary context current on this thread.
   *
   * @throws dev.wisp.common.WispException if the driver refuses
   */
  static CudaSession open(CudaDevice device, CudaOptions options) {
    CudaStatus status = new CudaStatus();
    status.check(JCudaDriver.cuInit(0), "cuInit", "the driver");
    CudaSession session = new CudaSession(device, handle(status, device.index()), options);
    session.start();
    return session;
  }

  private void start() {
    check(
        JCudaDriver.cuDevicePrimaryCtxRetain(context, handle),
        "cuDevicePrimaryCtxRetain",
        device.name());
    try {
      check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent", device.name());
      for (CudaStream made : List.of(stream, copies)) {
        check(
            JCudaDriver.cuStreamCreate(made, STREAM_NON_BLOCKING), "cuStreamCreate", device.name());
      }
    } catch (RuntimeException refused) {
      release(JCudaDriver.cuDevicePrimaryCtxRelease(handle));
      throw refused;
    }
  }

  CudaDevice device() {
    return device;
  }

  /**
   * What the card could do at best, from its clocks as the driver states them; empty for the
   * software device, and where the driver does not state them.
   */
  Optional<DevicePeak> peak() {
    double memoryClock = kilohertz(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
    double clock = kilohertz(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
    double bits =
        attribute(status, handle, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH);
    if (device.referee() || memoryClock * clock * bits == 0) {
      return Optional.empty();
    }
    // Two transfers a clock; a multiply-add a clock on each core counts as two operations.
    return Optional.of(
        new DevicePeak(
            2 * memoryClock * bits / Byte.SIZE,
            2 * clock * device.multiprocessors() * cores(device.capability())));
  }

  private double kilohertz(int attribute) {
    return 1e3 * attribute(status, handle, attribute);
  }

  /**
   * Float32 units of a multiprocessor (CUDA C++ Programming Guide, table of arithmetic throughput).
   */
  static int cores(int capability) {
    return switch (capability) {
      case 60, 70, 72, 75, 80 -> 64;
      default -> 128;
    };
  }

  CudaStatus status() {
    return status;
  }

  /** The stream of what the card computes, behind all that was queued. */
  CudaStream stream() {
    queue.flush();
    return stream;
  }

  /** The stream's handle, for what the queue itself issues and for libraries to keep. */
  long streamHandle() {
    return stream.handle();
  }

  /** The stream of copies beside the computation: only events order the two. */
  CudaStream copies() {
    return copies;
  }

  /** What goes to the stream. */
  CudaQueue queue() {
    return queue;
  }

  /** The graphs in use; null if there are none. */
  @Nullable CudaGraphs graphs() {
    return graphs;
  }

  /** {@link CudaStatus#check}. */
  void check(int code, String function, String what) {
    status.check(code, function, what);
  }

  /** Waits until everything on the stream is done. */
  void synchronize(String what) {
    check(JCudaDriver.cuStreamSynchronize(stream()), "cuStreamSynchronize", what);
  }

  /** Before everything is freed: what was queued, and what goes wrong now, no longer matter. */
  void drain() {
    queue.drop();
    release(JCudaDriver.cuStreamSynchronize(stream));
    release(JCudaDriver.cuStreamSynchronize(copies));
    if (graphs != null) {
      graphs.close();
    }
  }

  /**
   * For calls that give something back: a driver that has lost the device refuses them too, and
   * there is nothing left to do about it.
   */
  void release(int code) {
    if (code != 0 && !status.isBroken()) {
      LOG.debug("the driver refused to take something back: {}", CudaDriverApi.describe(code));
    }
  }

  /** Releases the context, once. */
  void close() {
    release(JCudaDriver.cuStreamDestroy(copies));
    release(JCudaDriver.cuStreamDestroy(stream));
    release(JCudaDriver.cuCtxSetCurrent(new CUcontext()));
    release(JCudaDriver.cuDevicePrimaryCtxRelease(handle));
  }
}
