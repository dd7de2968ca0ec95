package dev.wisp.backend.cpu;

import dev.wisp.backend.GroupedBackend;
import dev.wisp.backend.MemoryStatistics;
import dev.wisp.backend.support.BlockPool;
import dev.wisp.backend.support.ComputeThread;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The CPU: oneDNN for convolutions, the project's own vectorised kernels for everything else. Each
 * instance has its own compute thread, team of OpenMP workers and memory pool; several may be open
 * at the same time. {@link #compute} may be called from any thread.
 */
public final class CpuBackend extends GroupedBackend {
  private static final AtomicInteger OPENED = new AtomicInteger();

  private final ComputeThread thread;
  private final BlockPool<MemorySegment> pool;
  private final CpuContext context;
  private final CpuConvolutions convolutions;
  private final String isa;

  private CpuBackend(
      ComputeThread thread,
      BlockPool<MemorySegment> pool,
      CpuContext context,
      CpuConvolutions convolutions,
      String isa) {
    super(
        convolutions,
        new CpuNorms(context),
        new CpuResize(context),
        new CpuPointwise(context),
        new CpuMaps(context),
        new CpuSeeds(context),
        new CpuPamr(context),
        new CpuCrf(context),
        new CpuSegmentation(context),
        new CpuGroupNorms(context),
        new CpuIrn(context),
        new CpuOptimizer(context));
    this.thread = thread;
    this.pool = pool;
    this.context = context;
    this.convolutions = convolutions;
    this.isa = isa;
  }

  /**
   * Opens the backend.
   *
   * @throws dev.wisp.common.WispException in one line, if a native library cannot be loaded or the
   *     environment variable WISP_ISA names no instruction set
   */
  public static CpuBackend open(CpuOptions options) {
    int threads =
        options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
    NativeRuntime.load(threads);
    String isa = NativeRuntime.instructionSet();
    ComputeThread thread = new ComputeThread("wisp-cpu-" + OPENED.incrementAndGet());
    BlockPool<MemorySegment> pool = CpuMemory.pool(options);
    CpuContext context = new CpuContext(pool, thread, threads);
    CpuBackend backend = new CpuBackend(thread, pool, context, new CpuConvolutions(context), isa);
    backend.run(() -> setTeam(threads));
    return backend;
  }

  /** OpenMP's team belongs to the thread that sets its size. */
  private static void setTeam(int threads) {
    try {
      NativeStatus.check((int) NativeKernels.SET_THREADS.invokeExact(threads), "open", () -> "");
    } catch (RuntimeException refused) {
      throw refused;
    } catch (Throwable impossible) {
      throw new AssertionError("open", impossible);
    }
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public String describe() {
    return "cpu: %s, %s kernels, oneDNN %s, %d threads"
        .formatted(processor(), isa, DnnlRuntime.version(), context.threads());
  }

  private static String processor() {
    try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    } catch (IOException unknown) {
      return System.getProperty("os.arch");
    }
  }

  @Override
  public Scope scope() {
    return new Scope(pool);
  }

  @Override
  public <T> T compute(Callable<T> task) {
    return thread.call(task);
  }

  @Override
  public MemoryStatistics memoryStatistics() {
    return pool.statistics();
  }

  @Override
  public void upload(float[] source, Tensor target) {
    Call call = context.call("upload");
    MemorySegment memory = call.any("target", target, DType.F32, source.length);
    MemorySegment.copy(source, 0, memory, ValueLayout.JAVA_FLOAT, 0, source.length);
  }

  @Override
  public void upload(float[] source, int count, Tensor target, long at) {
    Call call = context.call("upload");
    MemorySegment memory = call.part("target", target, at, count, source.length);
    MemorySegment.copy(source, 0, memory, ValueLayout.JAVA_FLOAT, at * Float.BYTES, count);
  }

  @Override
  public void upload(int[] source, Tensor target) {
    Call call = context.call("upload");
    MemorySegment memory = call.any("target", target, DType.I32, source.length);
    MemorySegment.copy(source, 0, memory, ValueLayout.JAVA_INT, 0, source.length);
  }

  @Override
  public void upload(byte[] source, Tensor target) {
    Call call = context.call("upload");
    MemorySegment memory = call.any("target", target, DType.U8, source.length);
    MemorySegment.copy(source, 0, memory, ValueLayout.JAVA_BYTE, 0, source.length);
  }

  @Override
  public float[] floats(Tensor source) {
    Call call = context.call("floats");
    int length = call.length("source", source);
    float[] values = new float[length];
    MemorySegment memory = call.any("source", source, DType.F32, length);
    MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, 0, values, 0, length);
    return values;
  }

  @Override
  public void download(Tensor source, long at, float[] target, int count) {
    Call call = context.call("download");
    MemorySegment memory = call.part("source", source, at, count, target.length);
    MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, at * Float.BYTES, target, 0, count);
  }

  @Override
  public int[] ints(Tensor source) {
    Call call = context.call("ints");
    int length = call.length("source", source);
    int[] values = new int[length];
    MemorySegment memory = call.any("source", source, DType.I32, length);
    MemorySegment.copy(memory, ValueLayout.JAVA_INT, 0, values, 0, length);
    return values;
  }

  @Override
  public void close() {
    thread.close(
        () -> {
          convolutions.close();
          pool.close();
        });
  }

  @Override
  public String toString() {
    return describe();
  }

  /** What the convolutions have cost beside computing; on the compute thread. */
  DnnlStatistics convolutionStatistics() {
    return convolutions.statistics();
  }
}
