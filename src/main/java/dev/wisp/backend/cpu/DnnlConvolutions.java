package dev.wisp.backend.cpu;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.cpu.DnnlRecipes.Case;
import dev.wisp.backend.cpu.DnnlRecipes.Pass;
import dev.wisp.backend.cpu.DnnlRecipes.Rearrangement;
import dev.wisp.backend.cpu.DnnlRecipes.Residual;
import dev.wisp.backend.cpu.WeightOrder.Kind;
import dev.wisp.backend.support.BlockPool;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions by oneDNN over plain NHWC activations (docs/layout.md has the measurement behind
 * that). Weights are packed by {@link DnnlWeights}, primitives kept by {@link DnnlPrimitives}.
 */
final class DnnlConvolutions {
  /**
   * Compiled primitives kept. ResNet-101 with its head needs about 30 for one image size, 120 for
   * the four scales of a photograph, 80 for a training step.
   */
  static final int CACHED_PRIMITIVES = 256;

  private static final MemorySegment NOTHING = MemorySegment.NULL;

  private final CpuContext context;
  private final DnnlRuntime runtime = new DnnlRuntime();
  private final DnnlRecipes recipes = new DnnlRecipes(runtime);
  private final DnnlPrimitives primitives = new DnnlPrimitives(CACHED_PRIMITIVES);
  private final Set<DnnlWeights> holders = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Map<ConvSpec, DnnlLayout> plainLayouts = new HashMap<>();
  private long weightCopies;
  private long tiledCopies;
  private long weightBytes;

  DnnlConvolutions(CpuContext context) {
    this.context = context;
  }

  ConvWeights convWeights(ConvSpec spec) {
    context.require("convWeights");
    DnnlWeights holder = new DnnlWeights(this, spec);
    holders.add(holder);
    return holder;
  }

  void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    Call call = context.call("loadWeights");
    DnnlWeights holder = own("loadWeights", target, false);
    ConvSpec spec = holder.spec();
    long k = spec.kernel();
    MemorySegment from = call.in("weight", weight, spec.outChannels(), spec.inChannels(), k, k);
    // Its first row alone: the rest is less than what sums in float32 lose.
    MemorySegment factors = call.inOrNull("scale", scale, 2, spec.outChannels());
    holder.load(from, scale == null ? null : factors);
  }

  void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    Call call = context.call("convForward");
    DnnlWeights holder = own("convForward", weights, true);
    ConvSpec spec = holder.spec();
    MemorySegment src = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, spec.inChannels());
    MemorySegment add = call.inOrNull("bias", bias, spec.outChannels());
    long[] out = outSizes(spec, x.shape());
    MemorySegment rest = call.inOrNull("residual", residual, out);
    MemorySegment dst = call.outOver("y", y, List.of("residual"), out);
    if (y.shape().elements() == 0) {
      return;
    }
    Residual kind =
        residual == null
            ? Residual.NONE
            : residual.storage() == y.storage() ? Residual.IN_PLACE : Residual.APART;
    Case c = sized(Pass.FORWARD, spec, x.shape(), bias != null, kind, relu);
    DnnlPrimitive primitive = primitive(c);
    MemorySegment packed = holder.in(primitive.weights());
    if (bias != null && kind == Residual.APART) {
      execute(primitive, src, packed, dst, add, rest);
    } else if (bias != null) {
      execute(primitive, src, packed, dst, add);
    } else if (kind == Residual.APART) {
      execute(primitive, src, packed, dst, rest);
    } else {
      execute(primitive, src, packed, dst);
    }
  }

  void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    Call call = context.call("convBackwardData");
    DnnlWeights holder = own("convBackwardData", weights, true);
    ConvSpec spec = holder.spec();
    MemorySegment dst = call.out("dx", dx, Call.ANY, Call.ANY, Call.ANY, spec.inChannels());
    MemorySegment src = call.in("dy", dy, outSizes(spec, dx.shape()));
    if (dx.shape().elements() == 0) {
      return;
    }
    Case c = sized(Pass.BACKWARD_DATA, spec, dx.shape(), false, Residual.NONE, false);
    DnnlPrimitive primitive = primitive(c);
    execute(primitive, src, holder.in(primitive.weights()), dst);
  }

  void convBackwardWeights(ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    Call call = context.call("convBackwardWeights");
    long k = spec.kernel();
    MemorySegment src = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, spec.inChannels());
    MemorySegment diff = call.in("dy", dy, outSizes(spec, x.shape()));
    MemorySegment dst = call.out("dw", dw, spec.outChannels(), spec.inChannels(), k, k);
    MemorySegment sums = call.outOrNull("db", db, spec.outChannels());
    if (x.shape().elements() == 0) {
      dst.asSlice(0, dw.bytes()).fill((byte) 0);
      if (db != null) {
        sums.asSlice(0, db.bytes()).fill((byte) 0);
      }
      return;
    }
    DnnlPrimitive primitive =
        primitive(sized(Pass.BACKWARD_WEIGHTS, spec, x.shape(), db != null, Residual.NONE, false));
    if (primitive.weights() == plain(spec)) {
      backwardWeights(primitive, src, diff, dst, db == null ? null : sums);
      return;
    }
    BlockPool.Block<MemorySegment> packed = allocate(primitive.weights().bytes());
    try {
      backwardWeights(primitive, src, diff, packed.memory(), db == null ? null : sums);
      rearrange(spec, primitive.weights(), packed.memory(), null, plain(spec), dst);
    } finally {
      packed.free();
    }
  }

  private void backwardWeights(
      DnnlPrimitive primitive,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment dw,
      @Nullable MemorySegment db) {
    if (db == null) {
      execute(primitive, x, dy, dw);
    } else {
      execute(primitive, x, dy, dw, db);
    }
  }

  /** Costs so far, for logs and tests. */
  DnnlStatistics statistics() {
    return new DnnlStatistics(
        primitives.size(),
        primitives.created(),
        primitives.evicted(),
        primitives.nanos() * 1e-9,
        weightCopies,
        tiledCopies,
        weightBytes,
        holders.stream().mapToLong(DnnlWeights::bytes).sum());
  }

  /** Row-major {@code [O, I, kH, kW]}. */
  DnnlLayout plain(ConvSpec spec) {
    return plainLayouts.computeIfAbsent(
        spec, s -> runtime.plainWeights(s.outChannels(), s.inChannels(), s.kernel()));
  }

  BlockPool.Block<MemorySegment> allocate(long bytes) {
    return context.pool().allocate(bytes);
  }

  /** Copies weights from one layout into another, times the scale per output channel if given. */
  void rearrange(
      ConvSpec spec,
      DnnlLayout fromLayout,
      MemorySegment from,
      @Nullable MemorySegment scale,
      DnnlLayout toLayout,
      MemorySegment to) {
    if (!rearrangeTiles(spec, fromLayout.order(), from, scale, toLayout.order(), to)) {
      Rearrangement key = new Rearrangement(spec, fromLayout, toLayout, scale != null);
      DnnlPrimitive primitive = primitives.get(key, () -> recipes.rearrangement(key));
      if (scale == null) {
        execute(primitive, from, to);
      } else {
        execute(primitive, from, to, scale);
      }
    }
    weightCopies++;
    weightBytes += toLayout.bytes();
  }

  /** The rearrangements a training step needs, by our own kernels; false for any other. */
  private boolean rearrangeTiles(
      ConvSpec spec,
      WeightOrder fromOrder,
      MemorySegment from,
      @Nullable MemorySegment scale,
      WeightOrder toOrder,
      MemorySegment to) {
    long o = spec.outChannels();
    long i = spec.inChannels();
    long taps = (long) spec.kernel() * spec.kernel();
    Kind source = fromOrder.kind();
    Kind target = toOrder.kind();
    Call.Kernel kernel;
    if (source == Kind.PLAIN && target == Kind.OUT_BLOCKS) {
      MemorySegment factors = scale == null ? NOTHING : scale;
      long block = toOrder.block();
      kernel =
          () -> (int) NativeKernels.PACK_WEIGHTS.invokeExact(from, factors, to, o, i, taps, block);
    } else if (source == Kind.OUT_BLOCKS && target == Kind.IN_BLOCKS && scale == null) {
      long fromBlock = fromOrder.block();
      long toBlock = toOrder.block();
      kernel =
          () ->
              (int)
                  NativeKernels.TURN_WEIGHTS.invokeExact(from, to, o, i, taps, fromBlock, toBlock);
    } else if (source == Kind.TILES && target == Kind.PLAIN && scale == null) {
      kernel = () -> (int) NativeKernels.UNPACK_TILES.invokeExact(from, to, o, i, taps);
    } else {
      return false;
    }
    context.call("rearranging the weights of " + spec).run(kernel);
    tiledCopies++;
    return true;
  }

  private DnnlPrimitive primitive(Case c) {
    return primitives.get(c, () -> recipes.convolution(c));
  }

  private void execute(DnnlPrimitive primitive, MemorySegment... operands) {
    long[] addresses = new long[operands.length];
    for (int i = 0; i < operands.length; i++) {
      addresses[i] = operands[i].address();
    }
    if (primitive.scratchBytes() == 0) {
      primitive.execute(NOTHING.address(), addresses);
      return;
    }
    BlockPool.Block<MemorySegment> scratch = allocate(primitive.scratchBytes());
    try {
      primitive.execute(scratch.memory().address(), addresses);
    } finally {
      scratch.free();
    }
  }

  private static Case sized(
      Pass pass, ConvSpec spec, Shape x, boolean bias, Residual residual, boolean relu) {
    return new Case(pass, spec, x.size(0), x.size(1), x.size(2), bias, residual, relu);
  }

  private static long[] outSizes(ConvSpec spec, Shape x) {
    return new long[] {
      x.size(0), spec.outSize(x.size(1)), spec.outSize(x.size(2)), spec.outChannels()
    };
  }

  private DnnlWeights own(String operation, ConvWeights weights, boolean needsWeights) {
    if (!(weights instanceof DnnlWeights holder) || holder.owner() != this) {
      throw new IllegalArgumentException(
          operation + ": the weights of " + weights.spec() + " belong to another backend");
    }
    holder.require(operation, needsWeights);
    return holder;
  }

  void closeWeights(DnnlWeights weights) {
    context.giveBack(
        () -> {
          if (holders.remove(weights)) {
            weights.release();
          }
        });
  }

  /** On the compute thread, before the pool closes. */
  void close() {
    holders.forEach(DnnlWeights::release);
    holders.clear();
    primitives.close();
    runtime.close();
  }
}
