package dev.wisp.backend.cuda;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MemoryStatistics;
import dev.wisp.backend.support.BlockPool;
import dev.wisp.backend.support.ComputeThread;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;

/**
 * What the operation groups of one backend share: its card, stream, memory, compiled kernels and
 * compute thread. Made and used on the compute thread.
 */
final class CudaContext {
  private final ComputeThread thread;
  private final CudaSession session;
  private final CudaOptions options;
  private final CudaCode code;
  private final List<Path> cacheFolders;
  private final BlockPool<CudaPointer> pool;
  private final CudaTransfers transfers;
  private final CudaModules modules;
  private final CudaClassRows rows;
  private final CudaPrefetch prefetch;
  private final CudaReadings readings;
  private final Arena arena = Arena.ofConfined();

  private CudaContext(
      ComputeThread thread, CudaSession session, CudaOptions options, CudaCompiler compiler) {
    this.thread = thread;
    this.session = session;
    this.options = options;
    code = compiler.code();
    cacheFolders = compiler.cacheFolders();
    pool = CudaMemory.pool(session, options);
    transfers = new CudaTransfers(session, session::stream);
    modules = new CudaModules(session.status(), compiler);
    rows = new CudaClassRows(pool, transfers);
    prefetch = new CudaPrefetch(session, pool, new CudaCopy(this));
    readings = new CudaReadings(session, thread);
  }

  /**
   * Opens a card; on the compute thread.
   *
   * @throws dev.wisp.common.WispException if the driver refuses
   */
  static CudaContext open(
      ComputeThread thread, CudaDevice device, CudaOptions options, CudaCompiler compiler) {
    CudaSession session = CudaSession.open(device, options);
    try {
      return new CudaContext(thread, session, options, compiler);
    } catch (RuntimeException refused) {
      session.close();
      throw refused;
    }
  }

  /**
   * Begins an operation.
   *
   * @throws IllegalStateException if the backend is closed or this is not its compute thread
   * @throws dev.wisp.common.WispException if an earlier error has made the device unusable
   */
  CudaCall call(String operation) {
    require(operation);
    session.status().requireUsable(operation);
    return new CudaCall(this, operation);
  }

  /**
   * For what does without the device.
   *
   * @throws IllegalStateException if the backend is closed or this is not its compute thread
   */
  void require(String operation) {
    thread.require(operation);
  }

  /**
   * A kernel, to be kept by the operation group that launches it.
   *
   * @param file name of its file in {@code cuda/}, without {@code .cu}
   * @param name of the {@code extern "C" __global__} function
   * @param parameters all of them, named and ordered as in the source
   */
  CudaKernel kernel(String file, String name, CudaParameter... parameters) {
    return new CudaKernel(this, arena, file, name, List.of(parameters));
  }

  /**
   * {@link #kernel}; or its naive sibling of the same parameters, {@code name + "_naive"}, when
   * {@link #naive}. The two may want other grids.
   */
  CudaKernel judged(String file, String name, CudaParameter... parameters) {
    return kernel(file, naive() ? name + "_naive" : name, parameters);
  }

  /**
   * The row table of a batch on the device. Kept for the batches used last, so that the operations
   * of a step share one copy.
   */
  CudaClassRows.Rows rows(ClassRows classes) {
    return rows.of(classes);
  }

  /**
   * The architecture kernels are compiled for, compute capability times ten: what {@code
   * __CUDA_ARCH__ / 10} is in them. May be less than the card's.
   */
  int architecture() {
    return code.architecture();
  }

  /** Number of multiprocessors, for grids that fill the card once. */
  int multiprocessors() {
    return session.device().multiprocessors();
  }

  /** Most dynamic shared memory a block may ask for, in bytes. */
  int sharedBytes() {
    return session.device().sharedBytes();
  }

  /** Whether the naive kernels are to be launched in place of the fast ones. */
  boolean naive() {
    return options.naive();
  }

  /** Where what can be made again is kept, in the first folder that can be written. */
  List<Path> cacheFolders() {
    return cacheFolders;
  }

  /** Whether the host is to wait for each kernel. */
  boolean synchronous() {
    return options.synchronous();
  }

  /** How convolutions are to run. */
  CudnnOptions cudnn() {
    return options.cudnn();
  }

  /** {@link ComputeThread#giveBack}: for what users close, from any thread. */
  void giveBack(Runnable task) {
    thread.giveBack(task);
  }

  CudaCode code() {
    return code;
  }

  CudaSession session() {
    return session;
  }

  CudaStatus status() {
    return session.status();
  }

  /** {@link CudaSession#stream}. */
  CudaStream stream() {
    return session.stream();
  }

  CudaQueue queue() {
    return session.queue();
  }

  BlockPool<CudaPointer> pool() {
    return pool;
  }

  CudaTransfers transfers() {
    return transfers;
  }

  CudaPrefetch prefetch() {
    return prefetch;
  }

  CudaReadings readings() {
    return readings;
  }

  CudaModules modules() {
    return modules;
  }

  /**
   * Memory of the pool; row tables and values copied ahead, which belong to no tensor, count as
   * kept. From any thread: a table made in between is counted on the wrong side until the next
   * question.
   */
  MemoryStatistics statistics() {
    MemoryStatistics all = pool.statistics();
    long tables = Math.min(rows.bytes() + prefetch.bytes(), all.used());
    return new MemoryStatistics(all.used() - tables, all.cached() + tables, all.peak());
  }

  /** Called after each launch. */
  void launched(CudaKernel kernel) {
    if (options.synchronous()) {
      session.synchronize(kernel.name());
    }
  }

  /** Waits for the device and frees everything. On the compute thread, once. */
  void close() {
    session.drain();
    modules.close();
    transfers.close();
    prefetch.close();
    readings.close();
    pool.close();
    session.close();
    arena.close();
  }
}
