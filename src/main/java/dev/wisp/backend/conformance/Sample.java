package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.conformance.Refusal.Kind;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Storage;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One valid call of an operation. Spoiling one operand at a time gives the refusals that follow
 * from the conventions of {@link Backend} alone: wrong sizes, wrong type, released, of another
 * backend, overlapping; and the whole call on a wrong thread and after closing.
 */
final class Sample {
  /** Makes the call. */
  interface Call {
    /**
     * @param weights holder of the sample's convolution, filled
     * @param t operands in the order they were named
     */
    void on(Backend backend, ConvWeights weights, Tensor[] t);
  }

  /**
   * @param free axes that may have any size
   * @param reshapable whether only the number of elements counts
   * @param over inputs whose memory an output may take
   */
  private record Operand(
      String name,
      DType type,
      boolean written,
      long[] sizes,
      int[] free,
      boolean reshapable,
      List<String> over) {
    boolean isFree(int axis) {
      return Arrays.stream(free).anyMatch(each -> each == axis);
    }

    Tensor make(Scope scope) {
      return scope.allocate(type, Shape.of(sizes));
    }
  }

  private static final float[] WILD = {
    Float.NaN, Float.POSITIVE_INFINITY, 3, Float.NEGATIVE_INFINITY, Float.MAX_VALUE
  };
  private static final int[] WILD_IDS = {Integer.MAX_VALUE, -7, Integer.MIN_VALUE, 1, 123456789};
  private static final ConvSpec NO_CONVOLUTION = ConvSpec.pointwise(1, 1);

  private final String operation;
  private final List<Operand> operands = new ArrayList<>();
  private ConvSpec convolution = NO_CONVOLUTION;
  private @Nullable Call call;

  private Sample(String operation) {
    this.operation = operation;
  }

  static Sample of(String operation) {
    return new Sample(operation);
  }

  /** An F32 operand that is read. */
  Sample in(String name, long... sizes) {
    return add(name, DType.F32, false, sizes);
  }

  /** An F16 operand that is read. */
  Sample inHalf(String name, long... sizes) {
    return add(name, DType.F16, false, sizes);
  }

  /** An F16 operand that is written. */
  Sample outHalf(String name, long... sizes) {
    return add(name, DType.F16, true, sizes);
  }

  /** An I32 operand that is read. */
  Sample ints(String name, long... sizes) {
    return add(name, DType.I32, false, sizes);
  }

  /** A U8 operand that is read. */
  Sample bytes(String name, long... sizes) {
    return add(name, DType.U8, false, sizes);
  }

  /** An operand that is written. */
  Sample out(String name, long... sizes) {
    return add(name, DType.F32, true, sizes);
  }

  /** An I32 operand that is written. */
  Sample outInts(String name, long... sizes) {
    return add(name, DType.I32, true, sizes);
  }

  /** A U8 operand that is written. */
  Sample outBytes(String name, long... sizes) {
    return add(name, DType.U8, true, sizes);
  }

  private Sample add(String name, DType type, boolean written, long... sizes) {
    operands.add(new Operand(name, type, written, sizes, new int[0], false, List.of()));
    return this;
  }

  /** The last operand's axes that no other operand and no rule binds. */
  Sample free(int... axes) {
    return last(o -> new Operand(o.name, o.type, o.written, o.sizes, axes, o.reshapable, o.over));
  }

  /** Of the last operand only the number of elements counts. */
  Sample reshapable() {
    return last(o -> new Operand(o.name, o.type, o.written, o.sizes, o.free, true, o.over));
  }

  /** The last operand may be written over these inputs. */
  Sample over(String... inputs) {
    return last(
        o ->
            new Operand(o.name, o.type, o.written, o.sizes, o.free, o.reshapable, List.of(inputs)));
  }

  private Sample last(UnaryOperator<Operand> change) {
    operands.set(operands.size() - 1, change.apply(operands.getLast()));
    return this;
  }

  /** The convolution whose weights the call takes. */
  Sample convolution(ConvSpec spec) {
    convolution = spec;
    return this;
  }

  Sample calls(Call body) {
    call = body;
    return this;
  }

  String operation() {
    return operation;
  }

  /** Whether it has F16 operands. */
  boolean isHalf() {
    return operands.stream().anyMatch(operand -> operand.type == DType.F16);
  }

  /** The call itself: a backend that refuses it refuses the spoiled ones for nothing. */
  List<Harmless> harmless() {
    return List.of(
        new Harmless(operation, label("as documented"), prepared(false, (scope, t) -> t)),
        new Harmless(
            operation,
            label("NaN, infinities and ids of nothing"),
            prepared(true, (scope, t) -> t)));
  }

  /** Tells overloads apart, which are named by their operand. */
  private String label(String text) {
    return operands.isEmpty() ? text : operands.getFirst().name + ", " + text;
  }

  /** Every way of spoiling it. */
  List<Refusal> refusals() {
    List<Refusal> refusals = new ArrayList<>();
    for (int i = 0; i < operands.size(); i++) {
      Operand operand = operands.get(i);
      shapes(refusals, i);
      DType other = operand.type.isReal() ? DType.I32 : DType.F32;
      replaced(
          refusals,
          i,
          operand.name + " of type " + other,
          Kind.TYPE,
          (scope, t) -> scope.allocate(other, Shape.of(operand.sizes)));
      replaced(
          refusals,
          i,
          operand.name + " of another backend",
          Kind.FOREIGN,
          (scope, t) -> operand.make(new Scope(Foreign::new)));
      replaced(
          refusals,
          i,
          operand.name + " released",
          Kind.STATE,
          (scope, t) -> {
            Tensor gone = operand.make(scope);
            gone.release();
            return gone;
          });
      if (operand.written) {
        overlaps(refusals, i);
      }
    }
    refusals.add(
        new Refusal(
            operation,
            label("on a foreign thread"),
            Kind.THREAD,
            prepared(false, (scope, t) -> t)));
    refusals.add(
        new Refusal(
            operation,
            label("on a closed backend"),
            Kind.CLOSED,
            prepared(false, (scope, t) -> t)));
    return refusals;
  }

  private void shapes(List<Refusal> refusals, int i) {
    Operand operand = operands.get(i);
    for (int axis = 0; axis < operand.sizes.length; axis++) {
      if (!operand.isFree(axis)) {
        long[] sizes = operand.sizes.clone();
        sizes[axis]++;
        replaced(
            refusals,
            i,
            operand.name + " of " + Shape.of(sizes),
            Kind.SHAPE,
            (scope, t) -> scope.allocate(operand.type, Shape.of(sizes)));
      }
    }
    if (!operand.reshapable) {
      long[] sizes = Arrays.copyOf(operand.sizes, operand.sizes.length + 1);
      sizes[operand.sizes.length] = 1;
      replaced(
          refusals,
          i,
          operand.name + " with an axis more",
          Kind.SHAPE,
          (scope, t) -> scope.allocate(operand.type, Shape.of(sizes)));
    }
  }

  /** The output in the memory of each operand of its size that it must not share. */
  private void overlaps(List<Refusal> refusals, int i) {
    Operand output = operands.get(i);
    for (int j = 0; j < operands.size(); j++) {
      Operand other = operands.get(j);
      boolean counted = other.written && j > i;
      if (j != i
          && !counted
          && other.type == output.type
          && Shape.of(other.sizes).elements() == Shape.of(output.sizes).elements()
          && !output.over.contains(other.name)) {
        int source = j;
        replaced(
            refusals,
            i,
            output.name + " over " + other.name,
            Kind.OVERLAP,
            (scope, t) -> t[source].reshape(output.sizes));
      }
    }
  }

  /** Makes a tensor to put in an operand's place. */
  private interface Spoiler {
    Tensor make(Scope scope, Tensor[] valid);
  }

  private void replaced(List<Refusal> refusals, int i, String text, Kind kind, Spoiler spoiler) {
    refusals.add(
        new Refusal(
            operation,
            text,
            kind,
            prepared(
                false,
                (scope, t) -> {
                  Tensor[] changed = t.clone();
                  changed[i] = spoiler.make(scope, t);
                  return changed;
                })));
  }

  private interface Spoiling {
    Tensor[] spoil(Scope scope, Tensor[] valid);
  }

  private Function<Trial, Runnable> prepared(boolean wild, Spoiling spoiling) {
    Call body = Objects.requireNonNull(call, operation);
    return trial -> {
      Scope scope = trial.scope();
      Tensor[] valid = new Tensor[operands.size()];
      for (int i = 0; i < valid.length; i++) {
        valid[i] = operands.get(i).make(scope);
        set(trial.backend(), scope, valid[i], wild);
      }
      ConvWeights weights = holder(trial);
      Tensor[] given = spoiling.spoil(scope, valid);
      return () -> {
        try (weights) {
          body.on(trial.backend(), weights, given);
        }
      };
    };
  }

  private ConvWeights holder(Trial trial) {
    ConvWeights weights = trial.backend().convWeights(convolution);
    long k = convolution.kernel();
    trial
        .backend()
        .loadWeights(
            weights,
            trial.constant(0, convolution.outChannels(), convolution.inChannels(), k, k),
            null);
    return weights;
  }

  /** Fills with 0, or with what a careless program might pass. */
  private static void set(Backend backend, Scope scope, Tensor tensor, boolean wild) {
    int elements = Math.toIntExact(tensor.shape().elements());
    switch (tensor.type()) {
      case F32 -> {
        float[] values = new float[elements];
        for (int i = 0; wild && i < elements; i++) {
          values[i] = WILD[i % WILD.length];
        }
        backend.upload(values, tensor);
      }
      case I32 -> {
        int[] values = new int[elements];
        for (int i = 0; wild && i < elements; i++) {
          values[i] = WILD_IDS[i % WILD_IDS.length];
        }
        backend.upload(values, tensor);
      }
      case F16 -> {
        if (backend.takesF16()) {
          Tensor wide = scope.allocate(DType.F32, tensor.shape());
          set(backend, scope, wide, wild);
          backend.convert(wide, tensor);
        }
      }
      case U8 -> backend.upload(new byte[elements], tensor);
    }
  }

  /** Memory that no backend knows. */
  private record Foreign(long bytes) implements Storage {
    @Override
    public void free() {}
  }
}
