package dev.wisp.backend.cuda;

import dev.wisp.backend.cuda.CudnnPass.Operands;
import dev.wisp.tensor.DType;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions by cuDNN of tensors that are float16 in memory, which it takes as they are. Bias,
 * residual and ReLU are added by a kernel of the project: cuDNN would round the bias. What cuDNN
 * has no algorithm for is widened.
 */
final class CudnnHalves implements Convolver {
  private final CudnnPlans plans;
  private final CudnnCalls calls;
  private final CudnnOperands operands;
  private final PlainConvolutions plain;
  private final CudaHalfActivations activations;

  /**
   * Takes over the plans.
   *
   * @param plans of float16 tensors
   */
  CudnnHalves(
      CudnnPlans plans,
      CudnnCalls calls,
      CudnnOperands operands,
      PlainConvolutions plain,
      CudaHalfActivations activations) {
    this.plans = plans;
    this.calls = calls;
    this.operands = operands;
    this.plain = plain;
    this.activations = activations;
  }

  /** The plans, for tests. */
  CudnnPlans plans() {
    return plans;
  }

  @Override
  public void forward(
      CudaCall call,
      ConvolutionSizes s,
      long x,
      CudaWeights weights,
      long bias,
      long residual,
      long y,
      boolean relu) {
    int mark = call.mark();
    // A search overwrites the product, and the residual in y is still needed.
    long product = residual == y ? space(call, s.outputElements()) : y;
    CudnnPlan plan =
        plan(
            call,
            CudnnPass.FORWARD,
            s,
            () -> new Operands(x, operands.narrowWeights(weights), product));
    if (plan == null) {
      plain.halves().forward(call, s, x, weights, bias, residual, y, relu);
    } else {
      Operands o = new Operands(x, operands.narrowWeights(weights), product);
      calls.run(call, CudnnPass.FORWARD, plan, o);
      if (product != y || bias != 0 || residual != 0 || relu) {
        activations.finish(product, bias, residual, y, s, relu);
      }
    }
    call.release(mark);
  }

  @Override
  public void backwardData(
      CudaCall call, ConvolutionSizes s, long dy, CudaWeights weights, long dx) {
    Supplier<Operands> given = () -> new Operands(dx, operands.narrowWeights(weights), dy);
    CudnnPlan plan = plan(call, CudnnPass.BACKWARD_DATA, s, given);
    if (plan == null) {
      plain.halves().backwardData(call, s, dy, weights, dx);
    } else {
      calls.run(call, CudnnPass.BACKWARD_DATA, plan, given.get());
    }
  }

  @Override
  public void backwardWeights(
      CudaCall call, ConvolutionSizes s, long x, long dy, long dw, long db) {
    int mark = call.mark();
    long weights = s.spec().weights();
    long rounded = space(call, weights);
    Operands o = new Operands(x, rounded, dy);
    CudnnPlan plan = plan(call, CudnnPass.BACKWARD_WEIGHTS, s, () -> o);
    if (plan == null) {
      plain.halves().backwardWeights(call, s, x, dy, dw, db);
    } else {
      calls.run(call, CudnnPass.BACKWARD_WEIGHTS, plan, o);
      operands.fetchGradient(call, s, rounded, dw);
      if (db != 0) {
        plain.halfBackwardBias(call, s, dy, db);
      }
    }
    call.release(mark);
  }

  /**
   * The plan of a convolution; null for the plain kernels.
   *
   * @param given of which the result may be overwritten
   */
  private @Nullable CudnnPlan plan(
      CudaCall call, CudnnPass pass, ConvolutionSizes s, Supplier<Operands> given) {
    if (!CudnnConvolutions.fits(s)) {
      return null;
    }
    CudnnPlan plan = plans.known(pass, s);
    if (plan == null) {
      // One layout: nothing is compared.
      plan = plans.make(call, pass, s, layout -> given.get(), tried -> {});
    }
    return plan.layout() == CudnnLayout.PLAIN ? null : plan;
  }

  private static long space(CudaCall call, long elements) {
    return call.workspace(elements * DType.F16.bytes());
  }

  @Override
  public Convolver halves() {
    return this;
  }

  @Override
  public String describe() {
    return Cudnn.version();
  }

  @Override
  public void close() {
    plans.close();
  }
}
