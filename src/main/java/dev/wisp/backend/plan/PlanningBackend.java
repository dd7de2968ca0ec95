package dev.wisp.backend.plan;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.MemoryStatistics;
import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.backend.Precision;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Storage;
import dev.wisp.tensor.Tensor;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A backend whose operations do nothing: a network run on it allocates what it would allocate on a
 * device, and {@link Backend#memoryStatistics} then tells the step's memory before it starts. No
 * memory is behind its tensors; read back they are all zeros. Sizes are counted exactly: what a
 * device's pool rounds up and what its libraries use as workspace comes on top.
 *
 * <p>Nothing is checked: shapes that an operation refuses are refused by real backends only.
 */
public final class PlanningBackend implements InvocationHandler {
  private long used;
  private long peak;

  private final Precision precision;
  private final Consumer<Work> work;

  private PlanningBackend(Precision precision, Consumer<Work> work) {
    this.precision = precision;
    this.work = work;
  }

  /** A new backend of float32; it runs where it is called and need not be closed. */
  public static Backend open() {
    return open(Precision.FLOAT32);
  }

  /** A new backend; in mixed precision it stands for a card that keeps activations in float16. */
  public static Backend open(Precision precision) {
    return open(precision, operation -> {});
  }

  /**
   * A new backend that tells the least work of every operation it is asked for: each tensor moved
   * once, and the multiplications and additions of convolutions, of halves on tensor cores in mixed
   * precision. Arithmetic beside convolutions is not counted: memory bounds it.
   */
  public static Backend open(Precision precision, Consumer<Work> work) {
    return (Backend)
        Proxy.newProxyInstance(
            PlanningBackend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            new PlanningBackend(precision, work));
  }

  @Override
  public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] given)
      throws Throwable {
    if (method.getName().equals("activations")) {
      return precision == Precision.MIXED ? DType.F16 : DType.F32;
    }
    if (method.isDefault()) {
      return InvocationHandler.invokeDefault(proxy, method, given);
    }
    Object[] arguments = given == null ? new Object[0] : given;
    return switch (method.getName()) {
      case "name", "describe", "toString" -> "plan";
      case "hashCode" -> System.identityHashCode(proxy);
      case "equals" -> proxy == arguments[0];
      case "compute" -> ((Callable<?>) arguments[0]).call();
      case "scope" -> new Scope(Counted::new);
      case "memoryStatistics" -> new MemoryStatistics(used, 0, peak);
      case "convWeights" -> new Packed((ConvSpec) arguments[0]);
      case "floats" -> new float[elements(arguments[0])];
      case "ints" -> new int[elements(arguments[0])];
      default -> {
        Work moved = Work.of(bytes(arguments), 0);
        double products = operations(method.getName(), arguments);
        work.accept(
            precision == Precision.MIXED
                ? moved.withHalves(products)
                : Work.of(moved.bytes(), products));
        yield nothing(method);
      }
    };
  }

  private long bytes(@Nullable Object[] arguments) {
    long bytes = 0;
    for (Object argument : arguments) {
      bytes +=
          switch (argument) {
            case Tensor tensor -> tensor.shape().elements() * tensor.type().bytes();
            case Packed packed -> packed.spec.weights() * weightBytes();
            case List<?> list -> bytes(list.toArray());
            // Gradient read, weight and momentum read and written.
            case SgdSlot slot ->
                bytes(new Object[] {slot.gradient()})
                    + 2 * bytes(new @Nullable Object[] {slot.weight(), slot.momentum()});
            case null, default -> 0;
          };
    }
    return bytes;
  }

  /** Bytes of a weight that a convolution reads. */
  private long weightBytes() {
    return precision == Precision.MIXED ? DType.F16.bytes() : DType.F32.bytes();
  }

  /** A convolution multiplies and adds once for each weight of an output channel at each output. */
  private static double operations(String method, @Nullable Object[] arguments) {
    int output =
        switch (method) {
          case "convForward" -> 5;
          case "convBackwardData" -> 1;
          case "convBackwardWeights" -> 2;
          default -> -1;
        };
    if (output < 0 || !(arguments[output] instanceof Tensor tensor)) {
      return 0;
    }
    ConvSpec spec =
        arguments[0] instanceof ConvWeights weights ? weights.spec() : (ConvSpec) arguments[0];
    return 2.0 * elements(tensor) * spec.inChannels() * spec.kernel() * spec.kernel();
  }

  private static int elements(Object tensor) {
    return Math.toIntExact(((Tensor) tensor).shape().elements());
  }

  private static @Nullable Object nothing(Method method) {
    if (method.getReturnType() != void.class) {
      throw new AssertionError("the interface has grown: " + method);
    }
    return null;
  }

  /** Memory that is counted and not there. */
  private final class Counted implements Storage {
    private final long bytes;

    Counted(long bytes) {
      this.bytes = bytes;
      used += bytes;
      peak = Math.max(peak, used);
    }

    @Override
    public long bytes() {
      return bytes;
    }

    @Override
    public void free() {
      used -= bytes;
    }
  }

  /** Packed weights in one layout, as large as the plain ones, and those that convolve. */
  private final class Packed implements ConvWeights {
    private final ConvSpec spec;
    private final Counted memory;

    Packed(ConvSpec spec) {
      this.spec = spec;
      long rounded = precision == Precision.MIXED ? weightBytes() : 0;
      memory = new Counted(spec.weights() * (DType.F32.bytes() + rounded));
    }

    @Override
    public ConvSpec spec() {
      return spec;
    }

    @Override
    public void close() {
      memory.free();
    }
  }
}
