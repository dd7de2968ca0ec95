package dev.wisp.backend.cuda;

import dev.wisp.backend.Precision;
import dev.wisp.backend.cuda.CudnnOptions.Algorithms;
import dev.wisp.backend.cuda.CudnnPass.Candidate;
import dev.wisp.backend.cuda.CudnnPass.Operands;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import jcuda.driver.CUevent;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Plans by convolution, the least recently used dropped first: photographs of free sizes at four
 * scales would otherwise collect descriptors without end. A choice comes from {@link
 * CudnnAlgorithms}, or is made by trying on the operands at hand.
 */
final class CudnnPlans implements AutoCloseable {
  /** As many as oneDNN's primitives on the CPU: a training step of ResNet-101 needs about 80. */
  static final int CAPACITY = 256;

  private static final Logger LOG = LoggerFactory.getLogger(CudnnPlans.class);

  private final Cudnn cudnn;
  private final CudaSession session;
  private final CudnnOptions options;
  private final CudnnAlgorithms kept;
  private final boolean halves;
  private final Map<Key, CudnnPlan> plans = new LinkedHashMap<>(64, 0.75f, true);
  private long searches;

  private record Key(CudnnPass pass, ConvolutionSizes sizes) {}

  /** A plan and the time it took, in milliseconds. */
  private record Timed(CudnnPlan plan, float millis) {}

  /**
   * No plans.
   *
   * @param halves whether they are for tensors of float16, which have one layout
   */
  CudnnPlans(
      Cudnn cudnn,
      CudaSession session,
      CudnnOptions options,
      CudnnAlgorithms kept,
      boolean halves) {
    this.halves = halves;
    this.cudnn = cudnn;
    this.session = session;
    this.options = options;
    this.kept = kept;
  }

  /** How many convolutions were tried rather than found among the kept choices. */
  long searches() {
    return searches;
  }

  /** How many plans are at hand. */
  int size() {
    return plans.size();
  }

  /** The plan of a convolution if it is at hand. */
  @Nullable CudnnPlan known(CudnnPass pass, ConvolutionSizes s) {
    return plans.get(new Key(pass, s));
  }

  /**
   * Makes the plan of a convolution.
   *
   * @param operands the convolution's operands in a layout, of which the result may be overwritten
   * @param trial runs the whole operation by a plan, as often as asked: to compare layouts
   */
  CudnnPlan make(
      CudaCall call,
      CudnnPass pass,
      ConvolutionSizes s,
      Function<CudnnLayout, Operands> operands,
      Consumer<CudnnPlan> trial) {
    session.queue().flush(); // What is queued may need the plan that is dropped.
    while (plans.size() >= CAPACITY) {
      var eldest = plans.entrySet().iterator();
      CudnnPlan dropped = eldest.next().getValue();
      eldest.remove();
      dropped.close();
    }
    String text = text(pass, s);
    CudnnPlan plan = kept(pass, s, text);
    if (plan == null) {
      plan = search(call, pass, s, operands, trial);
      kept.put(text, plan.choice());
    }
    plans.put(new Key(pass, s), plan);
    return plan;
  }

  /** What a choice is kept under: everything it depends on beside card, driver and cuDNN. */
  private String text(CudnnPass pass, ConvolutionSizes s) {
    return "%s %s, layout %s, algorithms %s, precision %s, workspace %d"
        .formatted(
            CudnnOptions.word(pass),
            s,
            CudnnOptions.word(options.layout()),
            CudnnOptions.word(options.algorithms()),
            halves ? "of float16 tensors" : CudnnOptions.word(options.precision()),
            options.workspaceBytes());
  }

  /** The plan of a kept choice; null if there is none, or it does not work any more. */
  private @Nullable CudnnPlan kept(CudnnPass pass, ConvolutionSizes s, String text) {
    CudnnChoice choice = kept.get(text);
    if (choice == null) {
      return null;
    }
    if (choice.layout() == CudnnLayout.PLAIN) {
      return new CudnnPlan(choice, null, 0);
    }
    if (choice.algorithm() < pass.algorithms()) {
      CudnnPlan plan = plan(pass, choice, new CudnnShape(cudnn, s, choice.layout()));
      if (plan != null) {
        return plan;
      }
    }
    kept.remove(text);
    return null;
  }

  /** A plan by a choice; null, and the shape is closed, if its workspace passes the limit. */
  private @Nullable CudnnPlan plan(CudnnPass pass, CudnnChoice choice, CudnnShape shape) {
    try {
      shape.math(choice.math());
      long bytes = pass.workspace(cudnn, shape, choice.algorithm());
      if (bytes >= 0 && bytes <= options.workspaceBytes()) {
        return new CudnnPlan(choice, shape, bytes);
      }
    } catch (RuntimeException refused) {
      shape.close();
      throw refused;
    }
    shape.close();
    return null;
  }

  /** Layouts to choose among: those of the first list that has any algorithm. */
  private List<List<CudnnLayout>> layouts() {
    if (halves) {
      return List.of(List.of(CudnnLayout.HALF));
    }
    List<CudnnLayout> nhwc = List.of(CudnnLayout.NHWC);
    List<CudnnLayout> nchw = List.of(CudnnLayout.NCHW);
    List<CudnnLayout> both = List.of(CudnnLayout.NHWC, CudnnLayout.NCHW);
    if (options.precision() == Precision.MIXED) {
      return List.of(List.of(CudnnLayout.HALF), both);
    }
    return switch (options.layout()) {
      case AUTO -> List.of(both);
      case NHWC -> List.of(nhwc, nchw);
      case NCHW -> List.of(nchw, nhwc);
    };
  }

  private CudnnPlan search(
      CudaCall call,
      CudnnPass pass,
      ConvolutionSizes s,
      Function<CudnnLayout, Operands> operands,
      Consumer<CudnnPlan> trial) {
    searches++;
    for (List<CudnnLayout> group : layouts()) {
      Timed best = null;
      for (CudnnLayout layout : group) {
        int mark = call.mark();
        try {
          best = faster(best, timed(call, pass, s, layout, operands, group.size() > 1, trial));
        } catch (RuntimeException failed) {
          if (best != null) {
            best.plan().close();
          }
          throw failed;
        } finally {
          call.release(mark);
        }
      }
      if (best != null) {
        LOG.debug("{} of {}: {}, {} bytes", pass, s, best.plan().choice(), best.plan().workspace());
        return best.plan();
      }
    }
    LOG.debug("{} of {}: no algorithm of cuDNN's", pass, s);
    return new CudnnPlan(CudnnChoice.PLAIN, null, 0);
  }

  /** The plan of a layout's fastest algorithm with its time, if asked for; null if none will do. */
  private @Nullable Timed timed(
      CudaCall call,
      CudnnPass pass,
      ConvolutionSizes s,
      CudnnLayout layout,
      Function<CudnnLayout, Operands> operands,
      boolean compared,
      Consumer<CudnnPlan> trial) {
    CudnnPlan plan = fastest(call, pass, s, layout, operands);
    if (plan == null) {
      return null;
    }
    try {
      return new Timed(plan, compared ? time(plan, trial) : 0);
    } catch (RuntimeException failed) {
      plan.close();
      throw failed;
    }
  }

  /** The faster of two, the first where they are equal; the other is closed. */
  private static @Nullable Timed faster(@Nullable Timed first, @Nullable Timed second) {
    if (first == null || second == null) {
      return first == null ? second : first;
    }
    boolean replaced = second.millis() < first.millis();
    (replaced ? first : second).plan().close();
    return replaced ? second : first;
  }

  /** The plan of a layout's fastest algorithm; null if none will do. */
  private @Nullable CudnnPlan fastest(
      CudaCall call,
      CudnnPass pass,
      ConvolutionSizes s,
      CudnnLayout layout,
      Function<CudnnLayout, Operands> operands) {
    CudnnShape shape = new CudnnShape(cudnn, s, layout);
    try {
      long most = 0;
      for (int algorithm = 0; algorithm < pass.algorithms(); algorithm++) {
        long bytes = allowed(pass, algorithm) ? pass.workspace(cudnn, shape, algorithm) : -1;
        if (bytes <= options.workspaceBytes()) {
          most = Math.max(most, bytes);
        }
      }
      long space = most == 0 ? 0 : call.workspace(most);
      Operands tried = operands.apply(layout);
      session.queue().flush();
      Candidate best =
          pass.find(cudnn, shape, tried, space, most).stream()
              .filter(one -> one.status() == 0 && one.deterministic())
              .filter(one -> allowed(pass, one.algorithm()))
              .filter(one -> one.bytes() <= options.workspaceBytes())
              .min(Comparator.comparingDouble(Candidate::millis))
              .orElse(null);
      if (best == null) {
        shape.close();
        return null;
      }
      int math = layout == CudnnLayout.HALF ? best.math() : shape.math();
      return plan(pass, new CudnnChoice(layout, best.algorithm(), math), shape);
    } catch (RuntimeException refused) {
      shape.close();
      throw refused;
    }
  }

  private boolean allowed(CudnnPass pass, int algorithm) {
    return options.algorithms() == Algorithms.ALL || pass.sums(algorithm);
  }

  /** Milliseconds on the device, the second time. */
  private float time(CudnnPlan plan, Consumer<CudnnPlan> trial) {
    CUevent begin = new CUevent();
    CUevent end = new CUevent();
    check(JCudaDriver.cuEventCreate(begin, 0), "cuEventCreate");
    check(JCudaDriver.cuEventCreate(end, 0), "cuEventCreate");
    try {
      trial.accept(plan);
      check(JCudaDriver.cuEventRecord(begin, session.stream()), "cuEventRecord");
      trial.accept(plan);
      check(JCudaDriver.cuEventRecord(end, session.stream()), "cuEventRecord");
      check(JCudaDriver.cuEventSynchronize(end), "cuEventSynchronize");
      float[] millis = new float[1];
      check(JCudaDriver.cuEventElapsedTime(millis, begin, end), "cuEventElapsedTime");
      return millis[0];
    } finally {
      session.release(JCudaDriver.cuEventDestroy(begin));
      session.release(JCudaDriver.cuEventDestroy(end));
    }
  }

  private void check(int status, String function) {
    session.check(status, function, "the time of a convolution");
  }

  /** Keeps the choices and closes all plans. */
  @Override
  public void close() {
    kept.save();
    plans.values().forEach(CudnnPlan::close);
    plans.clear();
  }
}
