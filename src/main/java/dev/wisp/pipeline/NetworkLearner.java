package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.loader.Batch;
import dev.wisp.method.Losses;
import dev.wisp.method.TrainableNetwork;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.Sgd;
import dev.wisp.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A network trained with SGD. Owns the optimiser's memory, not the network. */
final class NetworkLearner implements Learner, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NetworkLearner.class);
  private static final String VELOCITY = "velocity/";
  private static final String LOSS_SCALE = "lossScale";

  private final Backend backend;
  private final TrainableNetwork network;
  private final Sgd sgd;
  private final Supplier<Map<String, Double>> validation;
  private @Nullable Prepared next;

  /** The next step's batch as it is uploaded. */
  private record Prepared(Batch batch, TrainingBatch images) {}

  /**
   * A learner over a network whose weights are set.
   *
   * @param validation measured after each epoch; an empty map for nothing
   */
  NetworkLearner(
      TrainableNetwork network, Sgd.Options options, Supplier<Map<String, Double>> validation) {
    this.backend = network.backend();
    this.network = network;
    this.validation = validation;
    this.sgd = backend.compute(() -> new Sgd(backend, network.parameters(), options));
  }

  @Override
  public Supplier<Map<String, Double>> step(Batch batch, long step, long total) {
    TrainingBatch images = images(batch);
    Supplier<Losses> losses = gradients(images, network.divisors(images), 1);
    Supplier<Map<String, Double>> update = update();
    return () -> {
      Map<String, Double> values = metrics(losses.get());
      values.putAll(update.get());
      return values;
    };
  }

  @Override
  public void prefetch(Batch batch) {
    TrainingBatch coming = onHost(batch);
    next = new Prepared(batch, coming);
    backend.run(() -> backend.prefetch(coming.images()));
  }

  /** First half of a step, of one of several equal parts: forward and backward. */
  Supplier<Losses> gradients(TrainingBatch part, double[] divisors, int parts) {
    return network.queue(part, divisors, parts, sgd.lossScale());
  }

  /** A batch as the network takes it: the one that was told ahead, if it is that. */
  TrainingBatch images(Batch batch) {
    Prepared prepared = next;
    next = null;
    return prepared != null && prepared.batch() == batch ? prepared.images() : onHost(batch);
  }

  private TrainingBatch onHost(Batch batch) {
    int size = batch.crops().getFirst().size();
    return new TrainingBatch(
        batch.pixels(),
        batch.crops().size(),
        size,
        size,
        batch.labels(),
        batch.valid(network.outputStride()),
        batch.masks(),
        batch.step(),
        batch.first());
  }

  /** Losses under their names in the metrics. */
  static Map<String, Double> metrics(Losses losses) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", losses.total());
    losses
        .parts()
        .forEach(
            (name, value) ->
                values.put(
                    "loss" + Character.toUpperCase(name.charAt(0)) + name.substring(1), value));
    return values;
  }

  /** Second half of a step: the optimiser's, with the gradients that are in the parameters. */
  Supplier<Map<String, Double>> update() {
    return backend.compute(
        () -> {
          Map<String, Double> values = new LinkedHashMap<>();
          sgd.rates().forEach((group, rate) -> values.put("rate" + capitalized(group), rate));
          Supplier<float[]> scale = sgd.readLossScale();
          DoubleSupplier norm = sgd.queueStep();
          return () -> {
            describe(values, norm.getAsDouble(), scale == null ? Double.NaN : scale.get()[0]);
            return values;
          };
        });
  }

  private static String capitalized(Parameter.Group group) {
    return group.name().charAt(0) + group.name().substring(1).toLowerCase(Locale.ROOT);
  }

  /**
   * Adds what is known of a step when the device is done with it.
   *
   * @param scale of the loss; NaN if it is not scaled
   */
  private static void describe(Map<String, Double> values, double norm, double scale) {
    if (!Double.isNaN(scale)) {
      values.put(LOSS_SCALE, scale);
      if (!Double.isFinite(norm)) {
        if (scale <= 1) {
          LOG.warn("a step was left out: its gradients are not finite without any scale either");
        }
        return;
      }
    }
    values.put("gradientNorm", norm);
  }

  TrainableNetwork network() {
    return network;
  }

  @Override
  public Map<String, Checkpoint.Value> weights() {
    return backend.compute(
        () -> {
          Map<String, Checkpoint.Value> weights = new LinkedHashMap<>();
          for (Parameter parameter : network.parameters()) {
            weights.put(
                parameter.name(),
                new Checkpoint.Value(
                    parameter.shape().toArray(), backend.floats(parameter.value())));
          }
          return weights;
        });
  }

  @Override
  public Map<String, Checkpoint.Value> state() {
    Map<String, Checkpoint.Value> state = weights();
    backend
        .compute(sgd::velocities)
        .forEach(
            (name, values) ->
                state.put(
                    VELOCITY + name, new Checkpoint.Value(new long[] {values.length}, values)));
    float[] scale = backend.compute(sgd::lossScaleState);
    if (scale != null) {
      state.put(LOSS_SCALE, new Checkpoint.Value(new long[] {scale.length}, scale));
    }
    return state;
  }

  @Override
  public void restore(long step, Checkpoint state) {
    for (Parameter parameter : network.parameters()) {
      Checkpoint.Value value = state.tensors().get(parameter.name());
      if (value == null || !Shape.of(value.shape()).equals(parameter.shape())) {
        throw new WispException(
            "the run's checkpoint does not fit this network at '%s' %s; start anew with --force"
                .formatted(parameter.name(), parameter.shape()));
      }
    }
    Checkpoint.Value scale = state.tensors().get(LOSS_SCALE);
    if ((scale == null) != (sgd.lossScale() == null)) {
      throw new WispException(
          "the run's checkpoint does not fit this precision at '%s'; start anew with --force"
              .formatted(LOSS_SCALE));
    }
    Map<String, float[]> velocities = new LinkedHashMap<>();
    state
        .tensors()
        .forEach(
            (name, value) -> {
              if (name.startsWith(VELOCITY)) {
                velocities.put(name.substring(VELOCITY.length()), value.elements());
              }
            });
    backend.run(
        () -> {
          for (Parameter parameter : network.parameters()) {
            parameter.set(state.value(parameter.name()).elements());
          }
          sgd.resume(step, velocities, scale == null ? null : scale.elements());
        });
  }

  @Override
  public Map<String, Double> validate() {
    return validation.get();
  }

  @Override
  public void close() {
    backend.run(sgd::close);
  }
}
