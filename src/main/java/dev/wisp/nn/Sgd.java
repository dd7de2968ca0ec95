package dev.wisp.nn;

import dev.wisp.backend.Backend;
import dev.wisp.backend.OptimizerOps;
import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stochastic gradient descent with momentum, weight decay, clipping by the norm of all gradients
 * together and a learning rate per group that decays as {@code (1 - t / T)^power}. Parameters that
 * no gradient has reached stay untouched: no decay, no momentum. Used on the backend's compute
 * thread.
 */
public final class Sgd implements AutoCloseable {
  /**
   * The constants of a run.
   *
   * @param rates first learning rate of each group that is learned
   * @param momentum share of the velocity that is kept; 0 keeps no velocities
   * @param weightDecay added to the clipped gradient, times the weight
   * @param clip largest norm of all gradients together; infinity for none
   * @param steps T, at least 1
   * @param power of the decay
   * @param lossScaling how the loss is scaled, or null if it is not
   */
  public record Options(
      Map<Parameter.Group, Double> rates,
      double momentum,
      double weightDecay,
      double clip,
      long steps,
      double power,
      @Nullable LossScaling lossScaling) {
    /** Without loss scaling. */
    public Options(
        Map<Parameter.Group, Double> rates,
        double momentum,
        double weightDecay,
        double clip,
        long steps,
        double power) {
      this(rates, momentum, weightDecay, clip, steps, power, null);
    }

    public Options {
      rates = Collections.unmodifiableMap(new EnumMap<>(rates));
      if (!(momentum >= 0 && weightDecay >= 0 && clip > 0)
          || steps < 1
          || rates.values().stream().anyMatch(rate -> !(rate >= 0))) {
        throw new IllegalArgumentException(
            "SGD with rates %s, momentum %s, decay %s, clip %s, %d steps"
                .formatted(rates, momentum, weightDecay, clip, steps));
      }
    }

    /** Rates of {@link Parameter.Group#PRETRAINED} and {@link Parameter.Group#NEW}. */
    public Options(
        double pretrainedRate,
        double newRate,
        double momentum,
        double weightDecay,
        double clip,
        long steps,
        double power) {
      this(
          Map.of(Parameter.Group.PRETRAINED, pretrainedRate, Parameter.Group.NEW, newRate),
          momentum,
          weightDecay,
          clip,
          steps,
          power);
    }

    /** The same with loss scaling. */
    public Options withLossScaling(@Nullable LossScaling value) {
      return new Options(rates, momentum, weightDecay, clip, steps, power, value);
    }

    /**
     * Learning rate of a group before step t (from 0); 0 from step T on.
     *
     * @throws IllegalArgumentException if the group is not learned
     */
    public double rate(Parameter.Group group, long t) {
      Double first = rates.get(group);
      if (first == null) {
        throw new IllegalArgumentException("no learning rate of " + group + " in " + rates);
      }
      return first * Math.pow(Math.max(0, 1 - (double) t / steps), power);
    }
  }

  /**
   * Dynamic scaling of the loss, {@link dev.wisp.backend.OptimizerOps#updateLossScale}.
   *
   * @param first scale of the first step; a power of two costs no bit
   * @param interval good steps after which it doubles
   */
  public record LossScaling(float first, int interval) {
    private static final float MOST = 1 << 24;

    public LossScaling {
      if (!(first >= 1 && first <= MOST) || interval < 1 || interval > OptimizerOps.MOST_INTERVAL) {
        throw new IllegalArgumentException(
            "loss scale %s that doubles after %d steps".formatted(first, interval));
      }
    }

    /** 65536, doubling every 2000 steps. */
    public static LossScaling standard() {
      return new LossScaling(65536, 2000);
    }
  }

  private final Backend backend;
  private final Options options;
  private final Map<String, Parameter> parameters = new LinkedHashMap<>();
  private final Map<String, Tensor> velocities = new LinkedHashMap<>();
  private final Scope scope;
  private final Tensor norm;
  private final @Nullable Tensor lossScale;
  private long step;

  /** An optimiser over the parameters that are learned; statistics are passed over. */
  public Sgd(Backend backend, List<Parameter> parameters, Options options) {
    this.backend = backend;
    this.options = options;
    for (Parameter parameter : parameters) {
      if (parameter.group() != Parameter.Group.STATISTIC) {
        this.parameters.put(parameter.name(), parameter);
      }
    }
    scope = backend.scope();
    norm = scope.f32(1);
    LossScaling scaling = options.lossScaling();
    lossScale = scaling == null ? null : scope.f32(2);
    if (lossScale != null && scaling != null) {
      backend.upload(new float[] {scaling.first(), 0}, lossScale);
    }
  }

  /**
   * What the next step's gradients have to be scaled by: the first element of a tensor that stays
   * the optimiser's; null if they must not be scaled.
   */
  public @Nullable Tensor lossScale() {
    return lossScale;
  }

  /** The same read to the host: the scale, and the good steps since its last change; or null. */
  public float @Nullable [] lossScaleState() {
    return lossScale == null ? null : backend.floats(lossScale);
  }

  /** {@link #lossScaleState} without waiting for the device; or null. */
  public @Nullable Supplier<float[]> readLossScale() {
    return lossScale == null ? null : backend.read(lossScale);
  }

  /** Number of steps done. */
  public long steps() {
    return step;
  }

  /** Learning rate that the next step uses. */
  public double rate(Parameter.Group group) {
    return options.rate(group, step);
  }

  /** Learning rates that the next step uses, of every group that is learned. */
  public Map<Parameter.Group, Double> rates() {
    Map<Parameter.Group, Double> rates = new EnumMap<>(Parameter.Group.class);
    options.rates().keySet().forEach(group -> rates.put(group, rate(group)));
    return rates;
  }

  /**
   * Updates every parameter that has a gradient, and clears the gradients. If the loss is scaled
   * and its gradients have overflowed, nothing changes but the scale, and the schedule goes on.
   *
   * @return norm of all gradients together, unscaled, before clipping; not finite if the step was
   *     left out
   */
  public double step() {
    return queueStep().getAsDouble();
  }

  /** {@link #step} without waiting for the device: the norm is to be asked for, from any thread. */
  public DoubleSupplier queueStep() {
    List<Parameter> reached = parameters.values().stream().filter(Parameter::hasGradient).toList();
    backend.gradientNorm(reached.stream().map(Parameter::gradient).toList(), norm);
    List<SgdSlot> first = new ArrayList<>();
    List<SgdSlot> later = new ArrayList<>();
    for (Parameter parameter : reached) {
      float rate = (float) options.rate(parameter.group(), step);
      Tensor velocity = velocities.get(parameter.name());
      List<SgdSlot> slots = velocity == null ? first : later;
      if (velocity == null && options.momentum() > 0) {
        velocity = velocity(parameter);
      }
      slots.add(new SgdSlot(parameter.value(), parameter.gradient(), velocity, rate));
    }
    update(first, true);
    update(later, false);
    for (Parameter parameter : reached) {
      parameter.changed();
      parameter.clearGradient();
    }
    step++;
    Supplier<float[]> length = backend.read(norm);
    LossScaling scaling = options.lossScaling();
    if (lossScale == null || scaling == null) {
      return () -> length.get()[0];
    }
    Supplier<float[]> scale = backend.read(lossScale);
    backend.updateLossScale(norm, lossScale, scaling.interval());
    return () -> (double) length.get()[0] / scale.get()[0];
  }

  private void update(List<SgdSlot> slots, boolean first) {
    if (!slots.isEmpty()) {
      backend.sgdStep(
          slots,
          norm,
          lossScale,
          (float) options.clip(),
          (float) options.weightDecay(),
          (float) options.momentum(),
          first);
    }
  }

  private Tensor velocity(Parameter parameter) {
    Tensor velocity = scope.allocate(parameter.value().type(), parameter.shape());
    velocities.put(parameter.name(), velocity);
    return velocity;
  }

  /**
   * The velocities by parameter name: with {@link #steps} and {@link #lossScaleState} all there is
   * to resume from.
   */
  public Map<String, float[]> velocities() {
    Map<String, float[]> state = new LinkedHashMap<>();
    velocities.forEach((name, velocity) -> state.put(name, backend.floats(velocity)));
    return state;
  }

  /**
   * Goes on from a stored state.
   *
   * @param scale what {@link #lossScaleState} was
   * @throws IllegalArgumentException if something does not fit
   */
  public void resume(long steps, Map<String, float[]> state, float @Nullable [] scale) {
    if (scale == null ? lossScale != null : lossScale == null || scale.length != 2) {
      throw new IllegalArgumentException(
          "a loss scale of %s for an optimiser %s loss scaling"
              .formatted(Arrays.toString(scale), lossScale == null ? "without" : "with"));
    }
    if (scale != null && lossScale != null) {
      backend.upload(scale, lossScale);
    }
    state.forEach(
        (name, values) -> {
          Parameter parameter = parameters.get(name);
          if (parameter == null || parameter.shape().elements() != values.length) {
            throw new IllegalArgumentException(
                "velocity '%s' of %d elements fits no parameter".formatted(name, values.length));
          }
          Tensor velocity = velocities.get(name);
          backend.upload(values, velocity == null ? velocity(parameter) : velocity);
        });
    step = steps;
  }

  /** Returns the velocities' memory; the parameters stay. */
  @Override
  public void close() {
    scope.close();
  }
}
