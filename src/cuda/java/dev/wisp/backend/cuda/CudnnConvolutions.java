package dev.wisp.backend.cuda;

import dev.wisp.backend.Precision;
import dev.wisp.backend.cuda.CudnnPass.Operands;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Convolutions by cuDNN. Tensors are NHWC outside; inside, each convolution runs in the layout and
 * by the algorithm that {@link CudnnPlans} has found for it. Bias, residual and ReLU are added by
 * cuDNN where it can, else by a kernel of the project; the bias's gradient is the project's kernel,
 * which sums in double. What cuDNN has no algorithm for runs by the plain kernels.
 */
final class CudnnConvolutions implements Convolver {
  private static final Logger LOG = LoggerFactory.getLogger(CudnnConvolutions.class);

  /** Compute capability times ten of the Titan V. */
  private static final int FIRST_TENSOR_CORES = 70;

  private final CudaContext context;
  private final PlainConvolutions plain;
  private final CudaLayouts layouts;
  private final CudaHalf half;
  private final CudnnOperands operands;
  private final Cudnn cudnn;
  private final CudnnCalls calls;
  private final CudnnHalves halves;
  private final CudnnOptions options;
  private final CudnnAlgorithms kept;
  private final Map<Precision, CudnnPlans> plans = new EnumMap<>(Precision.class);
  private final String version;

  /** Read from any thread. */
  private volatile Precision precision = Precision.FLOAT32;

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
    half = new CudaHalf(context);
    operands = new CudnnOperands(layouts, half);
    CudaSession session = context.session();
    options = context.cudnn();
    cudnn = new Cudnn(session);
    version = Cudnn.version();
    kept =
        new CudnnAlgorithms(
            context.cacheFolders(), session.device().name(), session.device().driver(), version);
    calls = new CudnnCalls(context, cudnn);
    halves =
        new CudnnHalves(
            new CudnnPlans(cudnn, session, options, kept, true),
            calls,
            operands,
            plain,
            new CudaHalfActivations(context));
    if (!setPrecision(options.precision())) {
      LOG.info(
          "{} has no tensor cores: -D{}=mixed is ignored",
          session.device().name(),
          CudnnOptions.PRECISION);
    }
  }

  /** The plans of the present precision. */
  CudnnPlans plans() {
    return plans.computeIfAbsent(
        precision,
        now -> new CudnnPlans(cudnn, context.session(), options.withPrecision(now), kept, false));
  }

  @Override
  public Precision precision() {
    return precision;
  }

  @Override
  public boolean setPrecision(Precision wanted) {
    boolean able =
        wanted == Precision.FLOAT32
            || context.session().device().capability() >= FIRST_TENSOR_CORES;
    precision = able ? wanted : Precision.FLOAT32;
    return able;
  }

  @Override
  public String describe() {
    return precision == Precision.MIXED ? version + " in mixed precision" : version;
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
    CudnnPlan plan = plans().known(CudnnPass.FORWARD, s);
    if (plan == null) {
      int mark = call.mark();
      // Not y: that may be the residual, whose values are still needed.
      long scratch = call.workspace(s.outputElements() * Float.BYTES);
      plan =
          plans()
              .make(
                  call,
                  CudnnPass.FORWARD,
                  s,
                  layout -> operands.forward(call, layout, s, x, weights, scratch),
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
    Operands o = operands.forward(call, plan.layout(), s, x, weights, y);
    switch (plan.layout()) {
      case NHWC -> {
        if (!calls.fused(call, plan, o, bias, residual, relu)) {
          boolean kept = residual == y;
          long product = kept ? call.workspace(s.outputElements() * Float.BYTES) : y;
          calls.run(call, CudnnPass.FORWARD, plan, new Operands(o.x(), o.weights(), product));
          if (kept || bias != 0 || residual != 0 || relu) {
            layouts.finish(product, bias, residual, y, s, relu);
          }
        }
      }
      case NCHW -> {
        calls.run(call, CudnnPass.FORWARD, plan, o);
        layouts.finishPlanar(o.y(), bias, residual, y, s, relu);
      }
      case HALF -> {
        calls.run(call, CudnnPass.FORWARD, plan, o);
        half.finish(o.y(), bias, residual, y, s, relu);
      }
      case PLAIN -> throw new AssertionError(plan);
    }
    call.release(mark);
  }

  @Override
  public void backwardData(
      CudaCall call, ConvolutionSizes s, long dy, CudaWeights weights, long dx) {
    CudnnPlan plan =
        plan(
            call,
            CudnnPass.BACKWARD_DATA,
            s,
            layout -> operands.data(call, layout, s, dy, weights, dx),
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
    Operands o = operands.data(call, plan.layout(), s, dy, weights, dx);
    calls.run(call, CudnnPass.BACKWARD_DATA, plan, o);
    if (plan.layout() == CudnnLayout.NCHW) {
      layouts.transpose(o.x(), dx, s.n(), s.spec().inChannels(), s.h() * s.w());
    } else if (plan.layout() == CudnnLayout.HALF) {
      half.widen(o.x(), dx, s.inputElements());
    }
    call.release(mark);
  }

  @Override
  public void backwardWeights(
      CudaCall call, ConvolutionSizes s, long x, long dy, long dw, long db) {
    CudnnPlan plan =
        plan(
            call,
            CudnnPass.BACKWARD_WEIGHTS,
            s,
            layout -> operands.weights(call, layout, s, x, dy, dw),
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
    Operands o = operands.weights(call, plan.layout(), s, x, dy, dw);
    calls.run(call, CudnnPass.BACKWARD_WEIGHTS, plan, o);
    if (plan.layout() == CudnnLayout.HALF) {
      operands.fetchGradient(call, s, o.weights(), dw);
    } else {
      operands.turnGradient(s, o.weights(), dw);
    }
    call.release(mark);
  }

  /** The plan of a backward pass, whose result may be overwritten; null for the plain kernels. */
  private @Nullable CudnnPlan plan(
      CudaCall call,
      CudnnPass pass,
      ConvolutionSizes s,
      Function<CudnnLayout, Operands> inLayout,
      Consumer<CudnnPlan> trial) {
    if (!fits(s)) {
      return null;
    }
    CudnnPlan plan = plans().known(pass, s);
    if (plan == null) {
      plan = plans().make(call, pass, s, inLayout, trial);
    }
    return plan.layout() == CudnnLayout.PLAIN ? null : plan;
  }

  /** Whether cuDNN takes tensors of these sizes: some, and at most 2^31 - 1 elements. */
  static boolean fits(ConvolutionSizes s) {
    long most = Math.max(Math.max(s.inputElements(), s.outputElements()), s.spec().weights());
    return s.inputs() > 0 && most <= Integer.MAX_VALUE;
  }

  @Override
  public Convolver halves() {
    return halves;
  }

  @Override
  public void close() {
    halves.close();
    plans.values().forEach(CudnnPlans::close);
    cudnn.close();
  }
}
