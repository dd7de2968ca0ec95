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
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A network trained with SGD. Owns the optimiser's memory, not the network. */
final class NetworkLearner implements Learner, AutoCloseable {
  private static final String VELOCITY = "velocity/";

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
    Supplier<Losses> losses = gradients(batch);
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

  private TrainingBatch onHost(Batch batch) {
    int size = batch.crops().getFirst().size();
    return new TrainingBatch(
        batch.pixels(),
        batch.crops().size(),
        size,
        size,
        batch.labels(),
        batch.valid(network.outputStride()));
  }

  /** First half of a step: forward and backward. */
  Supplier<Losses> gradients(Batch batch) {
    Prepared prepared = next;
    next = null;
    return network.queue(
        prepared != null && prepared.batch() == batch ? prepared.images() : onHost(batch));
  }

  /** Losses under their names in the metrics. */
  static Map<String, Double> metrics(Losses losses) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", losses.total());
    values.put("lossClassification", losses.classification());
    values.put("lossConsistency", losses.consistency());
    return values;
  }

  /** Second half of a step: the optimiser's, with the gradients that are in the parameters. */
  Supplier<Map<String, Double>> update() {
    return backend.compute(
        () -> {
          Map<String, Double> values = new LinkedHashMap<>();
          values.put("ratePretrained", sgd.rate(Parameter.Group.PRETRAINED));
          values.put("rateNew", sgd.rate(Parameter.Group.NEW));
          DoubleSupplier norm = sgd.queueStep();
          return () -> {
            values.put("gradientNorm", norm.getAsDouble());
            return values;
          };
        });
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
