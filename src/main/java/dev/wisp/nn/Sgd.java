package dev.wisp.nn;

import dev.wisp.backend.Backend;
import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
   */
  public record Options(
      Map<Parameter.Group, Double> rates,
      double momentum,
      double weightDecay,
      double clip,
      long steps,
      double power) {
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

  private final Backend backend;
  private final Options options;
  private final Map<String, Parameter> parameters = new LinkedHashMap<>();
  private final Map<String, Tensor> velocities = new LinkedHashMap<>();
  private final Scope scope;
  private final Tensor norm;
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
   * Updates every parameter that has a gradient, and clears the gradients.
   *
   * @return norm of all gradients together, before clipping
   */
  public double step() {
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
    return backend.floats(norm)[0];
  }

  private void update(List<SgdSlot> slots, boolean first) {
    if (!slots.isEmpty()) {
      backend.sgdStep(
          slots,
          norm,
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

  /** The velocities by parameter name: with {@link #steps} all there is to resume from. */
  public Map<String, float[]> velocities() {
    Map<String, float[]> state = new LinkedHashMap<>();
    velocities.forEach((name, velocity) -> state.put(name, backend.floats(velocity)));
    return state;
  }

  /** Goes on from a stored state; throws {@link IllegalArgumentException} if it does not fit. */
  public void resume(long steps, Map<String, float[]> state) {
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
