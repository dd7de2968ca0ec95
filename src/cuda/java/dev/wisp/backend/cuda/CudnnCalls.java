package dev.wisp.backend.cuda;

import static org.bytedeco.cuda.global.cudnn.*;

import dev.wisp.backend.cuda.CudnnPass.Operands;

/** Convolutions of cuDNN's on a backend's queue, by the plan of each. */
@SuppressWarnings("deprecation") // cuDNN 9 deprecates all that is not its graphs.
final class CudnnCalls {
  private static final String FUSED = "cudnnConvolutionBiasActivationForward";

  private final CudaContext context;
  private final Cudnn cudnn;

  CudnnCalls(CudaContext context, Cudnn cudnn) {
    this.context = context;
    this.cudnn = cudnn;
  }

  /** Queues one of the three convolutions alone. */
  void run(CudaCall call, CudnnPass pass, CudnnPlan plan, Operands o) {
    int mark = call.mark();
    long[] operands = {-plan.number(), 0, o.x(), o.weights(), o.y(), space(call, plan)};
    put(new Product(pass, plan), plan, operands);
    call.release(mark);
  }

  /** Called after each call that computes. */
  private void finished(String function) {
    if (context.synchronous()) {
      context.session().synchronize(function);
    }
  }

  private static long space(CudaCall call, CudnnPlan plan) {
    return plan.workspace() == 0 ? 0 : call.workspace(plan.workspace());
  }

  /**
   * Convolution, bias, residual and ReLU in one call of cuDNN's, if it does that.
   *
   * @param residual may be the result
   * @return false if it does not: then nothing was written
   */
  boolean fused(CudaCall call, CudnnPlan plan, Operands o, long bias, long residual, boolean relu) {
    // Without an activation cuDNN knows one algorithm only; our own pass costs little there.
    if (bias == 0 || !relu || Boolean.FALSE.equals(plan.fuses)) {
      return false;
    }
    int mark = call.mark();
    long[] operands = {
      -plan.number(), 1, o.x(), o.weights(), o.y(), space(call, plan), residual, bias
    };
    Fused work = new Fused(plan);
    if (plan.fuses == null) {
      // The first time at once: it may turn out that there is no code for it.
      context.queue().flush();
      int status = work.status(operands, 0);
      plan.fuses = !Cudnn.notSupported(status);
      if (plan.fuses) {
        cudnn.check(status, FUSED, plan.shape().toString());
        finished(FUSED);
      }
    } else {
      put(work, plan, operands);
    }
    call.release(mark);
    return plan.fuses;
  }

  /** Queues a call of cuDNN's. */
  private void put(CudaQueue.Work work, CudnnPlan plan, long[] operands) {
    context.queue().add(work, plan.shape().toString().hashCode(), operands);
    finished(work.name());
  }

  /** A convolution with bias, residual and ReLU in one call. */
  private final class Fused implements CudaQueue.Work {
    private final CudnnPlan plan;

    Fused(CudnnPlan plan) {
      this.plan = plan;
    }

    int status(long[] words, int at) {
      CudnnShape s = plan.shape();
      long y = words[at + 4];
      long residual = words[at + 6];
      return cudnnConvolutionBiasActivationForward(
          cudnn.handle,
          cudnn.one,
          s.x,
          cudnn.first.at(words[at + 2]),
          s.weights,
          cudnn.second.at(words[at + 3]),
          s.convolution,
          plan.choice().algorithm(),
          cudnn.space.at(words[at + 5]),
          plan.workspace(),
          residual == 0 ? cudnn.zero : cudnn.one,
          s.y,
          cudnn.fourth.at(residual == 0 ? y : residual),
          s.bias,
          cudnn.fifth.at(words[at + 7]),
          cudnn.relu,
          s.y,
          cudnn.third.at(y));
    }

    @Override
    public void issue(long[] words, int at) {
      cudnn.check(status(words, at), FUSED, plan.shape().toString());
    }

    @Override
    public String name() {
      return FUSED;
    }
  }

  /** One of the three convolutions alone. */
  private final class Product implements CudaQueue.Work {
    private final CudnnPass pass;
    private final CudnnPlan plan;

    Product(CudnnPass pass, CudnnPlan plan) {
      this.pass = pass;
      this.plan = plan;
    }

    @Override
    public void issue(long[] words, int at) {
      Operands o = new Operands(words[at + 2], words[at + 3], words[at + 4]);
      pass.run(cudnn, plan.shape(), plan.choice().algorithm(), o, words[at + 5], plan.workspace());
    }

    @Override
    public String name() {
      return pass.function();
    }
  }
}
