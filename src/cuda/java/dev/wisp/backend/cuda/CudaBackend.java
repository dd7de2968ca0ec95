package dev.wisp.backend.cuda;

import dev.wisp.backend.DevicePeak;
import dev.wisp.backend.GroupedBackend;
import dev.wisp.backend.MemoryStatistics;
import dev.wisp.backend.Precision;
import dev.wisp.backend.support.CacheFolders;
import dev.wisp.backend.support.ComputeThread;
import dev.wisp.common.WispException;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * An NVIDIA card: the project's own kernels, compiled for it when they are first launched. Each
 * instance has its own compute thread, stream, memory pool and compiled kernels; several may be
 * open at the same time, on one card or on several. {@link #compute} may be called from any thread.
 */
final class CudaBackend extends GroupedBackend {
  private static final AtomicInteger OPENED = new AtomicInteger();

  private final ComputeThread thread;
  private final CudaContext context;
  private final String kernels;
  private final CudaConvolutions convolutions;

  /** On the compute thread. */
  private CudaBackend(
      ComputeThread thread, CudaContext context, CudaConvolutions convolutions, String kernels) {
    super(
        convolutions,
        new CudaNorms(context),
        new CudaResize(context),
        new CudaPointwise(context),
        new CudaMaps(context),
        new CudaSeeds(context),
        new CudaPamr(context),
        new CudaCrf(context),
        new CudaSegmentation(context),
        new CudaGroupNorms(context),
        new CudaIrn(context),
        new CudaOptimizer(context));
    this.thread = thread;
    this.context = context;
    this.convolutions = convolutions;
    this.kernels = kernels;
  }

  /**
   * Opens the backend.
   *
   * @throws WispException in one line, if there is no such card, no compiler, or the driver refuses
   */
  static CudaBackend open(CudaOptions options) {
    return open(options, CacheFolders.candidates());
  }

  /**
   * {@link #open}.
   *
   * @param cacheFolders where compiled kernels and chosen algorithms are kept, in the first that
   *     can be written
   */
  static CudaBackend open(CudaOptions options, List<Path> cacheFolders) {
    Nvrtc nvrtc = NvrtcLibrary.load();
    List<CudaDevice> devices = CudaSession.devices();
    if (options.device() >= devices.size()) {
      throw new WispException(
          "cuda:%d does not exist; this machine has %d, counted from 0"
              .formatted(options.device(), devices.size()));
    }
    CudaDevice device = devices.get(options.device());
    CudaCode code =
        options.code() == null
            ? CudaCode.forDevice(device.capability(), device.referee(), nvrtc.architectures())
            : CudaCode.parse(options.code());
    CudaCompiler compiler = new CudaCompiler(nvrtc, code, CudaCompiler.OPTIONS, cacheFolders);
    ComputeThread thread = new ComputeThread("wisp-cuda-" + OPENED.incrementAndGet());
    try {
      return thread.call(
          () -> {
            CudaContext context = CudaContext.open(thread, device, options, compiler);
            CudaConvolutions convolutions = convolutions(context);
            String kernels =
                "cuda: %s, kernels as %s by NVRTC %s".formatted(device, code, nvrtc.version());
            return new CudaBackend(thread, context, convolutions, kernels);
          });
    } catch (RuntimeException | Error failure) {
      thread.close(() -> {});
      throw failure;
    }
  }

  private static CudaConvolutions convolutions(CudaContext context) {
    try {
      return new CudaConvolutions(context);
    } catch (RuntimeException refused) {
      context.close();
      throw refused;
    }
  }

  /** What convolves, for its tests. */
  Convolver convolver() {
    return convolutions.convolver();
  }

  /** Number of the card. */
  int device() {
    return context.session().device().index();
  }

  /** What the operation groups share, for what works on the same stream. */
  CudaContext context() {
    return context;
  }

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public String describe() {
    return "%s, convolutions by %s".formatted(kernels, convolutions.describe());
  }

  @Override
  public Scope scope() {
    return new Scope(context.pool());
  }

  @Override
  public <T> T compute(Callable<T> task) {
    return thread.call(task);
  }

  @Override
  public Optional<DevicePeak> peak() {
    return compute(() -> context.session().peak());
  }

  @Override
  public Precision precision() {
    return convolutions.precision();
  }

  @Override
  public boolean setPrecision(Precision precision) {
    return convolutions.setPrecision(precision);
  }

  @Override
  public boolean takesF16() {
    return true;
  }

  @Override
  public DType activations() {
    return precision() == Precision.MIXED ? DType.F16 : DType.F32;
  }

  @Override
  public MemoryStatistics memoryStatistics() {
    return context.statistics();
  }

  @Override
  public void upload(float[] source, Tensor target) {
    CudaCall call = context.call("upload");
    call.any("target", target, DType.F32, source.length);
    call.run(
        () -> {
          CudaPointer to = call.memory(target);
          if (!context.prefetch().take(source, to.address())) {
            context.transfers().upload(MemorySegment.ofArray(source), to, 0);
          }
        });
  }

  @Override
  public void prefetch(float[] source) {
    context.call("prefetch").run(() -> context.prefetch().begin(source));
  }

  @Override
  public Supplier<float[]> read(Tensor source) {
    CudaCall call = context.call("read");
    int length = call.length("source", source);
    call.any("source", source, DType.F32, length);
    if (length > CudaReadings.MOST) {
      return super.read(source);
    }
    AtomicReference<Supplier<float[]>> reading = new AtomicReference<>();
    call.run(() -> reading.set(context.readings().read(call.memory(source), length)));
    return Objects.requireNonNull(reading.get());
  }

  @Override
  public void upload(float[] source, int count, Tensor target, long at) {
    CudaCall call = context.call("upload");
    call.part("target", target, at, count, source.length);
    MemorySegment values = MemorySegment.ofArray(source).asSlice(0, (long) count * Float.BYTES);
    call.run(() -> context.transfers().upload(values, call.memory(target), at * Float.BYTES));
  }

  @Override
  public void upload(int[] source, Tensor target) {
    upload(MemorySegment.ofArray(source), source.length, target, DType.I32);
  }

  @Override
  public void upload(byte[] source, Tensor target) {
    upload(MemorySegment.ofArray(source), source.length, target, DType.U8);
  }

  private void upload(MemorySegment source, int length, Tensor target, DType type) {
    CudaCall call = context.call("upload");
    call.any("target", target, type, length);
    call.run(() -> context.transfers().upload(source, call.memory(target), 0));
  }

  @Override
  public float[] floats(Tensor source) {
    CudaCall call = context.call("floats");
    float[] values = new float[call.length("source", source)];
    call.any("source", source, DType.F32, values.length);
    call.run(
        () -> context.transfers().download(call.memory(source), 0, MemorySegment.ofArray(values)));
    return values;
  }

  @Override
  public void download(Tensor source, long at, float[] target, int count) {
    CudaCall call = context.call("download");
    call.part("source", source, at, count, target.length);
    MemorySegment values = MemorySegment.ofArray(target).asSlice(0, (long) count * Float.BYTES);
    call.run(() -> context.transfers().download(call.memory(source), at * Float.BYTES, values));
  }

  @Override
  public int[] ints(Tensor source) {
    CudaCall call = context.call("ints");
    int[] values = new int[call.length("source", source)];
    call.any("source", source, DType.I32, values.length);
    call.run(
        () -> context.transfers().download(call.memory(source), 0, MemorySegment.ofArray(values)));
    return values;
  }

  @Override
  public void close() {
    thread.close(
        () -> {
          convolutions.close();
          context.close();
        });
  }

  @Override
  public String toString() {
    return describe();
  }
}
