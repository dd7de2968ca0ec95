package dev.wisp.backend.cuda;

import dev.wisp.backend.cuda.CudaParameter.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * One {@code __global__} function of a file in {@code cuda/}, with a parameter block allocated
 * once. A launch sets every argument in the declared order and allocates nothing:
 *
 * <pre>{@code
 * kernel.pointer(feature).pointer(out).i64(n).f32(eps).launch(blocks, 1, 1, 256, 1, 0);
 * }</pre>
 *
 * Its file is compiled at the first launch, and the declaration is then compared with the source
 * (names and types, in order) and with the parameter block of the compiled function (sizes and
 * offsets, where the driver can tell). For the compute thread alone.
 */
final class CudaKernel implements CudaQueue.Work {
  private static final int SLOT = 8;

  /** Dynamic shared memory a kernel may use without asking, on every card. */
  private static final int UNASKED_SHARED = 48 << 10;

  private static final int MOST_THREADS = 1024;
  private static final int LARGEST_GRID_X = Integer.MAX_VALUE;
  private static final int LARGEST_GRID_YZ = 65535;

  /** Words of a queued launch before its arguments: function, grid, block, shared memory. */
  private static final int HEADER = 5;

  private final CudaContext context;
  private final String file;
  private final String name;
  private final List<CudaParameter> parameters;
  private final Kind[] kinds;
  private final MemorySegment values;
  private int next;
  private long function;
  private int shared = UNASKED_SHARED;

  /** Use {@link CudaContext#kernel}. */
  CudaKernel(
      CudaContext context, Arena arena, String file, String name, List<CudaParameter> parameters) {
    this.context = context;
    this.file = file;
    this.name = name;
    this.parameters = List.copyOf(parameters);
    kinds = parameters.stream().map(CudaParameter::kind).toArray(Kind[]::new);
    values = arena.allocate((long) SLOT * Math.max(1, kinds.length), SLOT);
  }

  @Override
  public String name() {
    return name;
  }

  String file() {
    return file;
  }

  List<CudaParameter> parameters() {
    return parameters;
  }

  /** Sets the next argument, a device address; 0 for none. */
  CudaKernel pointer(long address) {
    values.set(ValueLayout.JAVA_LONG, slot(Kind.POINTER), address);
    return this;
  }

  /** Sets the next argument. */
  CudaKernel i64(long value) {
    values.set(ValueLayout.JAVA_LONG, slot(Kind.I64), value);
    return this;
  }

  /** Sets the next argument. */
  CudaKernel i32(int value) {
    values.set(ValueLayout.JAVA_INT, slot(Kind.I32), value);
    return this;
  }

  /** Sets the next argument, a size that fits 32 bits. */
  CudaKernel i32(long value) {
    return i32(Math.toIntExact(value));
  }

  /** Sets the next argument. */
  CudaKernel f32(float value) {
    values.set(ValueLayout.JAVA_FLOAT, slot(Kind.F32), value);
    return this;
  }

  /** Sets the next argument. */
  CudaKernel f64(double value) {
    values.set(ValueLayout.JAVA_DOUBLE, slot(Kind.F64), value);
    return this;
  }

  private long slot(Kind kind) {
    if (next >= kinds.length || kinds[next] != kind) {
      String problem =
          next >= kinds.length
              ? "%s takes %d arguments, one more was given".formatted(name, kinds.length)
              : "%s takes %s as argument %d, %s was given"
                  .formatted(name, parameters.get(next), next, kind);
      next = 0;
      throw new IllegalStateException(problem);
    }
    return (long) SLOT * next++;
  }

  /**
   * Puts the kernel on the backend's stream, through its queue, with the arguments set since the
   * last launch. A grid with a size of 0 has nothing to do and launches nothing.
   *
   * @param gridX blocks, at most 2^31 - 1; {@code gridY} and {@code gridZ} at most 65535
   * @param blockX threads; at most 1024 in a block
   * @param sharedBytes dynamic shared memory of a block
   */
  void launch(long gridX, long gridY, long gridZ, int blockX, int blockY, int sharedBytes) {
    if (next != kinds.length) {
      int given = next;
      next = 0;
      throw new IllegalStateException(
          "%s takes %d arguments, %d were given".formatted(name, kinds.length, given));
    }
    next = 0;
    if (gridX == 0 || gridY == 0 || gridZ == 0) {
      return;
    }
    if (gridX < 0
        || gridX > LARGEST_GRID_X
        || gridY < 0
        || gridY > LARGEST_GRID_YZ
        || gridZ < 0
        || gridZ > LARGEST_GRID_YZ
        || blockX < 1
        || blockY < 1
        || (long) blockX * blockY > MOST_THREADS
        || sharedBytes < 0) {
      throw new IllegalStateException(
          "%s cannot be launched as %s".formatted(name, grid(gridX, gridY, gridZ, blockX, blockY)));
    }
    if (function == 0) {
      function = context.modules().function(this);
    }
    if (sharedBytes > shared) {
      context.modules().allowShared(this, function, sharedBytes);
      shared = sharedBytes;
    }
    CudaQueue queue = context.queue();
    int at = queue.add(this, HEADER + kinds.length);
    long[] words = queue.words();
    words[at] = function;
    words[at + 1] = gridX;
    words[at + 2] = gridY << Integer.SIZE | gridZ;
    words[at + 3] = (long) blockX << Integer.SIZE | blockY;
    words[at + 4] = sharedBytes;
    MemorySegment.copy(values, ValueLayout.JAVA_LONG, 0, words, at + HEADER, kinds.length);
    queue.added(Long.hashCode(31 * gridX + words[at + 2]));
    context.launched(this);
  }

  @Override
  public void issue(long[] words, int at) {
    int gridX = (int) words[at + 1];
    int gridY = (int) (words[at + 2] >>> Integer.SIZE);
    int gridZ = (int) words[at + 2];
    int blockX = (int) (words[at + 3] >>> Integer.SIZE);
    int blockY = (int) words[at + 3];
    int status =
        CudaDriverApi.launch(
            words[at],
            gridX,
            gridY,
            gridZ,
            blockX,
            blockY,
            1,
            (int) words[at + 4],
            context.session().streamHandle(),
            context.queue().arguments(words, at + HEADER, kinds.length));
    if (status != 0) {
      throw context
          .status()
          .failure(
              status, "cuLaunchKernel", name + " as " + grid(gridX, gridY, gridZ, blockX, blockY));
    }
  }

  /** {@link #launch} of a one-dimensional grid. */
  void launch(long blocks, int threads, int sharedBytes) {
    launch(blocks, 1, 1, threads, 1, sharedBytes);
  }

  /** {@link #launch} of one thread for each of so many elements. */
  void launchOver(long elements, int threads) {
    launch(Math.ceilDiv(elements, threads), 1, 1, threads, 1, 0);
  }

  private static String grid(long gridX, long gridY, long gridZ, int blockX, int blockY) {
    return "%d x %d x %d blocks of %d x %d threads".formatted(gridX, gridY, gridZ, blockX, blockY);
  }

  @Override
  public String toString() {
    return file + ": " + name + parameters;
  }
}
