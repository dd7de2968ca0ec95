package dev.wisp.backend.cpu;

import dev.wisp.backend.OptimizerOps;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Stochastic gradient descent on the CPU. */
final class CpuOptimizer implements OptimizerOps {
  private final CpuContext context;

  CpuOptimizer(CpuContext context) {
    this.context = context;
  }

  @Override
  public void gradientNorm(List<Tensor> gradients, Tensor norm) {
    Call call = context.call("gradientNorm");
    List<MemorySegment> memory = new ArrayList<>();
    long[] sizes = new long[gradients.size()];
    for (int i = 0; i < sizes.length; i++) {
      memory.add(call.inAny("gradient " + i, gradients.get(i)));
      sizes[i] = gradients.get(i).shape().elements();
    }
    MemorySegment result = call.out("norm", norm, 1);
    MemorySegment pointers = call.pointers(memory);
    MemorySegment lengths = call.longs(sizes);
    long count = sizes.length;
    call.run(() -> (int) NativeKernels.GRADIENT_NORM.invokeExact(pointers, lengths, count, result));
  }

  @Override
  public void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      @Nullable Tensor lossScale,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first) {
    Call call = context.call("sgdStep");
    MemorySegment total = call.in("norm", norm, 1);
    MemorySegment scale = call.inOrNull("lossScale", lossScale, 2);
    int count = slots.size();
    List<MemorySegment> weights = new ArrayList<>();
    List<MemorySegment> gradients = new ArrayList<>();
    List<MemorySegment> velocities = new ArrayList<>();
    float[] rates = new float[count];
    long[] sizes = new long[count];
    for (int i = 0; i < count; i++) {
      SgdSlot slot = slots.get(i);
      long[] shape = slot.weight().shape().toArray();
      gradients.add(call.in("gradient " + i, slot.gradient(), shape));
      weights.add(call.outAny("weight " + i, slot.weight()));
      velocities.add(call.outOrNull("momentum " + i, slot.momentum(), shape));
      call.require(
          slot.momentum() != null || momentum == 0,
          "slot " + i + " has no velocity, but momentum is " + momentum);
      rates[i] = slot.learningRate();
      sizes[i] = slot.weight().shape().elements();
    }
    MemorySegment toWeights = call.pointers(weights);
    MemorySegment fromGradients = call.pointers(gradients);
    MemorySegment toVelocities = call.pointers(velocities);
    MemorySegment learningRates = call.floats(rates);
    MemorySegment lengths = call.longs(sizes);
    int setVelocities = first ? 1 : 0;
    call.run(
        () ->
            (int)
                NativeKernels.SGD_STEP.invokeExact(
                    toWeights,
                    fromGradients,
                    toVelocities,
                    learningRates,
                    lengths,
                    (long) count,
                    total,
                    scale,
                    maxNorm,
                    weightDecay,
                    momentum,
                    setVelocities));
  }

  @Override
  public void updateLossScale(Tensor norm, Tensor lossScale, int interval) {
    Call call = context.call("updateLossScale");
    MemorySegment total = call.in("norm", norm, 1);
    MemorySegment scale = call.out("lossScale", lossScale, 2);
    call.require(interval >= 1 && interval <= MOST_INTERVAL, "interval is " + interval);
    call.run(() -> (int) NativeKernels.UPDATE_LOSS_SCALE.invokeExact(total, scale, interval));
  }
}
