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
import java.util.function.Supplier;

/** A network trained with SGD. Owns the optimiser's memory, not the network. */
final class NetworkLearner implements Learner, AutoCloseable {
  private static final String VELOCITY = "velocity/";

  private final Backend backend;
  private final TrainableNetwork network;
  private final Sgd sgd;
  private final Supplier<Map<String, Double>> validation;

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
  public Map<String, Double> step(Batch batch, long step, long total) {
    Map<String, Double> values = metrics(network.step(images(batch)));
    values.putAll(update());
    return values;
  }

  /** A batch as the network takes it. */
  TrainingBatch images(Batch batch) {
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
  Map<String, Double> update() {
    return backend.compute(
        () -> {
          Map<String, Double> values = new LinkedHashMap<>();
          sgd.rates().forEach((group, rate) -> values.put("rate" + capitalized(group), rate));
          values.put("gradientNorm", sgd.step());
          return values;
        });
  }

  private static String capitalized(Parameter.Group group) {
    return group.name().charAt(0) + group.name().substring(1).toLowerCase(Locale.ROOT);
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
          sgd.resume(step, velocities);
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
