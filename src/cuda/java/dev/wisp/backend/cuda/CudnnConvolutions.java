package dev.wisp.backend.cuda;

import static org.bytedeco.cuda.global.cudnn.*;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.cuda.CudaWeights.Form;
import dev.wisp.backend.cuda.CudnnPass.Operands;
import dev.wisp.backend.support.CacheFolders;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions by cuDNN. Tensors are NHWC outside; inside, each convolution runs in the layout and
 * by the algorithm that {@link CudnnPlans} has found for it. Bias, residual and ReLU are added by
 * cuDNN where it can, else by a kernel of the project; the bias's gradient is the project's kernel,
 * which sums in double. What cuDNN has no algorithm for runs by the plain kernels.
 */
final class CudnnConvolutions implements Convolver {
  private final CudaContext context;
  private final PlainConvolutions plain;
  private final CudaLayouts layouts;
  private final Cudnn cudnn;
  private final CudnnPlans plans;
  private final String version;

  /**
   * Opens cuDNN; on the compute thread.
   *
   * @param plain for what cuDNN does not do
   * @throws dev.wisp.common.WispException in one line, if it does not start
   */
  CudnnConvolutions(CudaContext context, PlainConvolutions plain) {
    this.context = context;
    this.plain = plain;
    layouts = new CudaLayouts(context);
    CudaSession session = context.session();
    cudnn = new Cudnn(session);
    version = Cudnn.version();
    CudnnAlgorithms kept =
        new CudnnAlgorithms(
            CacheFolders.candidates(), session.device().name(), session.device().driver(), version);
    plans = new CudnnPlans(cudnn, session, context.cudnn(), kept);
  }

  /** For tests: what was tried, and what is at hand. */
  CudnnPlans plans() {
    return plans;
  }

  @Override
  public String describe() {
    return version;
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
    if (!fits(s)) {
      plain.forward(call, s, x, weights, bias, residual, y, relu);
      return;
    }
    CudnnPlan plan = plans.known(CudnnPass.FORWARD, s);
    if (plan == null) {
      int mark = call.mark();
      // Not y: that may be the residual, whose values are still needed.
      long scratch = call.workspace(outputBytes(s));
      plan =
          plans.make(
              call,
              CudnnPass.FORWARD,
              s,
              layout -> forwardOperands(call, layout, s, x, weights, scratch),
              tried -> forward(call, tried, s, x, weights, bias, residual, scratch, relu));
      call.release(mark);
    }
    if (plan.layout() == CudnnLayout.PLAIN) {
      plain.forward(call, s, x, weights, bias, residual, y, relu);
    } else {
      forward(call, plan, s, x, weights, bias, residual, y, relu);
    }
  }

  private void forward(
      CudaCall call,
      CudnnPlan plan,
      ConvolutionSizes s,
      long x,
      CudaWeights weights,
      long bias,
      long residual,
      long y,
      boolean relu) {
    int mark = call.mark();
    Operands o = forwardOperands(call, plan.layout(), s, x, weights, y);
    if (plan.layout() == CudnnLayout.NHWC) {
      if (!fused(call, plan, o, bias, residual, relu)) {
        boolean kept = residual == y;
        long product = kept ? call.workspace(outputBytes(s)) : y;
        run(call, CudnnPass.FORWARD, plan, new Operands(o.x(), o.weights(), product));
        if (kept || bias != 0 || residual != 0 || relu) {
          layouts.finish(product, bias, residual, y, s, relu);
        }
      }
    } else {
      run(call, CudnnPass.FORWARD, plan, o);
      layouts.finishPlanar(o.y(), bias, residual, y, s, relu);
    }
    call.release(mark);
  }

  private Operands forwardOperands(
      CudaCall call, CudnnLayout layout, ConvolutionSizes s, long x, CudaWeights weights, long y) {
    return switch (layout) {
      case NHWC -> new Operands(x, weights.packed(), y);
      case NCHW ->
          new Operands(
              planarInput(call, s, x), planarWeights(weights), call.workspace(outputBytes(s)));
      case HALF, PLAIN -> throw new AssertionError(layout);
    };
  }

  /**
   * Convolution, bias, residual and ReLU in one call of cuDNN's, if it does that.
   *
   * @param residual may be the result
   * @return false if it does not: then nothing was written
   */
  private boolean fused(
      CudaCall call, CudnnPlan plan, Operands o, long bias, long residual, boolean relu) {
    // Without an activation cuDNN knows one algorithm only; our own pass costs little there.
    if (bias == 0 || !relu || plan.apart) {
      return false;
    }
    CudnnShape s = plan.shape();
    int mark = call.mark();
    int status =
        cudnnConvolutionBiasActivationForward(
            cudnn.handle,
            cudnn.one,
            s.x,
            cudnn.first.at(o.x()),
            s.weights,
            cudnn.second.at(o.weights()),
            s.convolution,
            plan.choice().algorithm(),
            cudnn.space.at(space(call, plan)),
            plan.workspace(),
            residual == 0 ? cudnn.zero : cudnn.one,
            s.y,
            cudnn.fourth.at(residual == 0 ? o.y() : residual),
            s.bias,
            cudnn.fifth.at(bias),
            cudnn.relu,
            s.y,
            cudnn.third.at(o.y()));
    call.release(mark);
    if (Cudnn.notSupported(status)) {
      plan.apart = true;
      return false;
    }
    cudnn.check(status, "cudnnConvolutionBiasActivationForward", s.toString());
    return true;
  }

  @Override
  public void backwardData(
      CudaCall call, ConvolutionSizes s, long dy, CudaWeights weights, long dx) {
    CudnnPlan plan =
        plan(
            call,
            CudnnPass.BACKWARD_DATA,
            s,
            layout -> dataOperands(call, layout, s, dy, weights, dx),
            tried -> backwardData(call, tried, s, dy, weights, dx));
    if (plan == null) {
      plain.backwardData(call, s, dy, weights, dx);
    } else {
      backwardData(call, plan, s, dy, weights, dx);
    }
  }

  private void backwardData(
      CudaCall call, CudnnPlan plan, ConvolutionSizes s, long dy, CudaWeights weights, long dx) {
    int mark = call.mark();
    Operands o = dataOperands(call, plan.layout(), s, dy, weights, dx);
    run(call, CudnnPass.BACKWARD_DATA, plan, o);
    if (plan.layout() == CudnnLayout.NCHW) {
      layouts.transpose(o.x(), dx, s.n(), s.spec().inChannels(), s.h() * s.w());
    }
    call.release(mark);
  }

  private Operands dataOperands(
      CudaCall call,
      CudnnLayout layout,
      ConvolutionSizes s,
      long dy,
      CudaWeights weights,
      long dx) {
    return switch (layout) {
      case NHWC -> new Operands(dx, weights.packed(), dy);
      case NCHW ->
          new Operands(
              call.workspace(inputBytes(s)), planarWeights(weights), planarOutput(call, s, dy));
      case HALF, PLAIN -> throw new AssertionError(layout);
    };
  }

  @Override
  public void backwardWeights(
      CudaCall call, ConvolutionSizes s, long x, long dy, long dw, long db) {
    CudnnPlan plan =
        plan(
            call,
            CudnnPass.BACKWARD_WEIGHTS,
            s,
            layout -> weightsOperands(call, layout, s, x, dy, dw),
            tried -> backwardWeights(call, tried, s, x, dy, dw));
    if (plan == null) {
      plain.backwardWeights(call, s, x, dy, dw, db);
      return;
    }
    backwardWeights(call, plan, s, x, dy, dw);
    if (db != 0) {
      plain.backwardBias(call, s, dy, db);
    }
  }

  private void backwardWeights(
      CudaCall call, CudnnPlan plan, ConvolutionSizes s, long x, long dy, long dw) {
    int mark = call.mark();
    Operands o = weightsOperands(call, plan.layout(), s, x, dy, dw);
    run(call, CudnnPass.BACKWARD_WEIGHTS, plan, o);
    if (o.weights() != dw) {
      ConvSpec spec = s.spec();
      layouts.transpose(o.weights(), dw, spec.outChannels(), s.taps(), spec.inChannels());
    }
    call.release(mark);
  }

  private Operands weightsOperands(
      CudaCall call, CudnnLayout layout, ConvolutionSizes s, long x, long dy, long dw) {
    return switch (layout) {
      // [O, kH, kW, I], which dw is too where there is one tap.
      case NHWC ->
          new Operands(
              x, s.taps() == 1 ? dw : call.workspace(s.spec().weights() * Float.BYTES), dy);
      case NCHW -> new Operands(planarInput(call, s, x), dw, planarOutput(call, s, dy));
      case HALF, PLAIN -> throw new AssertionError(layout);
    };
  }

  /** The plan of a backward pass, whose result may be overwritten; null for the plain kernels. */
  private @Nullable CudnnPlan plan(
      CudaCall call,
      CudnnPass pass,
      ConvolutionSizes s,
      Function<CudnnLayout, Operands> operands,
      Consumer<CudnnPlan> trial) {
    if (!fits(s)) {
      return null;
    }
    CudnnPlan plan = plans.known(pass, s);
    if (plan == null) {
      plan = plans.make(call, pass, s, operands, trial);
    }
    return plan.layout() == CudnnLayout.PLAIN ? null : plan;
  }

  private void run(CudaCall call, CudnnPass pass, CudnnPlan plan, Operands o) {
    int mark = call.mark();
    pass.run(
        cudnn, plan.shape(), plan.choice().algorithm(), o, space(call, plan), plan.workspace());
    call.release(mark);
    if (context.synchronous()) {
      context.session().synchronize(pass.function());
    }
  }

  private static long space(CudaCall call, CudnnPlan plan) {
    return plan.workspace() == 0 ? 0 : call.workspace(plan.workspace());
  }

  private long planarInput(CudaCall call, ConvolutionSizes s, long x) {
    long target = call.workspace(inputBytes(s));
    layouts.transpose(x, target, s.n(), s.h() * s.w(), s.spec().inChannels());
    return target;
  }

  private long planarOutput(CudaCall call, ConvolutionSizes s, long y) {
    long target = call.workspace(outputBytes(s));
    layouts.transpose(y, target, s.n(), s.outputs() / s.n(), s.spec().outChannels());
    return target;
  }

  private long planarWeights(CudaWeights weights) {
    ConvSpec spec = weights.spec();
    long taps = (long) spec.kernel() * spec.kernel();
    return taps == 1
        ? weights.packed()
        : weights.in(
            Form.PLANAR,
            target ->
                layouts.transpose(
                    weights.packed(), target, spec.outChannels(), taps, spec.inChannels()));
  }

  private static long inputBytes(ConvolutionSizes s) {
    return s.inputs() * s.spec().inChannels() * Float.BYTES;
  }

  private static long outputBytes(ConvolutionSizes s) {
    return s.outputs() * s.spec().outChannels() * Float.BYTES;
  }

  /** Whether cuDNN takes tensors of these sizes: some, and at most 2^31 - 1 elements. */
  private static boolean fits(ConvolutionSizes s) {
    long most = Math.max(inputBytes(s), outputBytes(s)) / Float.BYTES;
    return s.inputs() > 0 && most <= Integer.MAX_VALUE && s.spec().weights() <= Integer.MAX_VALUE;
  }

  @Override
  public void close() {
    plans.close();
    cudnn.close();
  }
}
