package dev.wisp.autograd;

import dev.wisp.backend.Backend;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The steps of one forward pass, in order, and the memory they use. A recording tape runs them
 * backwards once; an inference tape records nothing and keeps nothing. Used on the backend's
 * compute thread; close it to return what is left to the pool.
 */
public final class Tape implements AutoCloseable {
  /** How a step turns the gradient of its result into gradients of its inputs. */
  @FunctionalInterface
  public interface Backward {
    /**
     * @param out the step's result: take its gradient
     */
    void run(Var out);
  }

  private record Step(@Nullable Var out, Runnable backward, Var[] saved) {}

  private final Backend backend;
  private final Scope scope;
  private final boolean recording;
  private final @Nullable Tensor lossScale;
  private final ArrayDeque<Step> steps = new ArrayDeque<>();

  private Tape(Backend backend, Scope scope, boolean recording, @Nullable Tensor lossScale) {
    this.backend = backend;
    this.scope = scope;
    this.recording = recording;
    this.lossScale = lossScale;
  }

  /** A tape whose steps can be run backwards. */
  public static Tape recording(Backend backend) {
    return recording(backend, null);
  }

  /**
   * A recording tape on which every gradient is larger by a factor than it is, so that small ones
   * survive float16 on the way.
   *
   * @param lossScale its first element is the factor, read on the device when a loss is computed;
   *     somebody else's; or null for none
   */
  public static Tape recording(Backend backend, @Nullable Tensor lossScale) {
    return new Tape(backend, backend.scope(), true, lossScale);
  }

  /** A tape that keeps nothing for a backward pass. */
  public static Tape inference(Backend backend) {
    return new Tape(backend, backend.scope(), false, null);
  }

  /** A tape over the same memory that does not record: for parts without gradient. */
  public Tape paused() {
    return new Tape(backend, scope, false, null);
  }

  public Backend backend() {
    return backend;
  }

  /** Where the pass allocates; closed with the tape. */
  public Scope scope() {
    return scope;
  }

  public boolean isRecording() {
    return recording;
  }

  /** A constant that somebody else owns. */
  public Var borrowed(Tensor tensor) {
    return new Var(this, tensor, false, false);
  }

  /** A constant that the tape owns from now on. */
  public Var constant(Tensor tensor) {
    return new Var(this, tensor.moveTo(scope), true, false);
  }

  /** An input whose gradient is wanted: after the backward pass it holds one. */
  public Var input(Tensor tensor) {
    return new Var(this, tensor, false, recording);
  }

  /** The result of a step without gradient. */
  public Var result(Tensor value) {
    return new Var(this, value, true, false);
  }

  /**
   * The result of a step with gradient; on a tape that does not record, the same as {@link
   * #result(Tensor)}.
   *
   * @param backward run once in reverse order if a gradient has reached the result
   * @param saved what backward reads: held until it has run
   */
  public Var result(Tensor value, Backward backward, Var... saved) {
    if (!recording) {
      return result(value);
    }
    Var out = new Var(this, value, true, true);
    push(out, () -> backward.run(out), saved);
    return out;
  }

  /** Like {@link #result(Tensor, Backward, Var...)} for a step that reads its own result again. */
  public Var resultKept(Tensor value, Backward backward, Var... saved) {
    if (!recording) {
      return result(value);
    }
    Var out = new Var(this, value, true, true);
    Var[] all = Arrays.copyOf(saved, saved.length + 1);
    all[saved.length] = out;
    push(out, () -> backward.run(out), all);
    return out;
  }

  /**
   * Ends in a loss: backward is always run and gives its inputs the gradient of the loss itself.
   * Several losses add up.
   *
   * @param gradient what backward will hand on; scaled here if the tape scales losses
   */
  public void loss(Tensor gradient, Runnable backward, Var... saved) {
    if (recording) {
      if (lossScale != null) {
        backend.scale(gradient, lossScale);
      }
      push(null, backward, saved);
    }
  }

  private void push(@Nullable Var out, Runnable backward, Var[] saved) {
    for (Var var : saved) {
      var.retain();
    }
    steps.addLast(new Step(out, backward, saved));
  }

  /** Runs all steps in reverse order, once, each letting go of what it saved. */
  public void backward() {
    if (!recording) {
      throw new IllegalStateException("backward on a tape that does not record");
    }
    while (!steps.isEmpty()) {
      Step step = steps.removeLast();
      Var out = step.out();
      if (out == null || out.hasGradient()) {
        step.backward().run();
      }
      if (out != null) {
        out.dropGradients();
      }
      for (Var var : step.saved()) {
        var.release();
      }
    }
  }

  /** Number of steps not yet run backwards. */
  public int size() {
    return steps.size();
  }

  @Override
  public void close() {
    steps.clear();
    scope.close();
  }
}
