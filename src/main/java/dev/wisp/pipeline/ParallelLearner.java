package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.Collective;
import dev.wisp.common.WispException;
import dev.wisp.data.loader.Batch;
import dev.wisp.method.Losses;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One network trained on several devices: each has a replica and computes the gradients of an equal
 * share of the batch; their mean is the gradient of the whole batch, because losses are means over
 * its images, or divided by what all devices count together. Every replica then takes the same
 * optimiser step. The result is that of one device with the whole batch, but for the order of sums.
 * Does not own the replicas.
 */
final class ParallelLearner implements Learner, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ParallelLearner.class);

  private final List<NetworkLearner> replicas;
  private final Collective collective;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  /**
   * A learner over replicas with equal weights.
   *
   * @param batch images of a step
   * @throws WispException if the batch has no equal shares
   */
  ParallelLearner(List<NetworkLearner> replicas, int batch) {
    requireShares(batch, replicas.size());
    this.replicas = List.copyOf(replicas);
    collective = Backends.collective(replicas.stream().map(ParallelLearner::backend).toList());
    LOG.info("{} devices, {} images each; {}", size(), batch / size(), collective.describe());
  }

  /** Refuses a batch that cannot be shared equally. */
  static void requireShares(int batch, int devices) {
    if (batch % devices != 0) {
      throw new WispException(
          "a batch of %d images has no equal shares for %d devices; change it with --set"
              .formatted(batch, devices));
    }
  }

  private static Backend backend(NetworkLearner replica) {
    return replica.network().backend();
  }

  private int size() {
    return replicas.size();
  }

  @Override
  public Map<String, Double> step(Batch batch, long step, long total) {
    int share = batch.crops().size() / size();
    List<TrainingBatch> parts = new ArrayList<>();
    for (int i = 0; i < size(); i++) {
      parts.add(replicas.get(i).images(batch.part(i * share, (i + 1) * share)));
    }
    double[] divisors = divisors(parts);
    List<Losses> losses =
        onEach(i -> replicas.get(i).network().step(parts.get(i), divisors, size()));
    collective.average(gradients());
    Map<String, Double> values = NetworkLearner.metrics(mean(losses));
    values.putAll(onEach(i -> replicas.get(i).update()).getFirst());
    return values;
  }

  private double[] divisors(List<TrainingBatch> parts) {
    return onEach(i -> replicas.get(i).network().divisors(parts.get(i))).stream()
        .reduce((a, b) -> IntStream.range(0, a.length).mapToDouble(k -> a[k] + b[k]).toArray())
        .orElseThrow();
  }

  private static Losses mean(List<Losses> losses) {
    Map<String, Double> parts = new LinkedHashMap<>();
    for (String name : losses.getFirst().parts().keySet()) {
      parts.put(name, losses.stream().mapToDouble(l -> l.part(name)).average().orElseThrow());
    }
    return new Losses(losses.stream().mapToDouble(Losses::total).average().orElseThrow(), parts);
  }

  /** Of every device, the gradients of the parameters that any device has reached. */
  private List<List<Tensor>> gradients() {
    int count = replicas.getFirst().network().parameters().size();
    List<Integer> reached = new ArrayList<>();
    for (int p = 0; p < count; p++) {
      int index = p;
      if (replicas.stream().anyMatch(r -> r.network().parameters().get(index).hasGradient())) {
        reached.add(index);
      }
    }
    return onEach(
        i -> {
          List<Parameter> parameters = replicas.get(i).network().parameters();
          return backend(replicas.get(i))
              .compute(
                  () -> reached.stream().map(p -> parameters.get(p).gradientOrZero()).toList());
        });
  }

  @FunctionalInterface
  private interface Task<T> {
    T run(int device);
  }

  /** Runs a task for every device at once and waits for all, also where one fails. */
  private <T> List<T> onEach(Task<T> task) {
    List<Callable<T>> calls = new ArrayList<>();
    for (int i = 0; i < size(); i++) {
      int device = i;
      calls.add(() -> task.run(device));
    }
    try {
      List<T> results = new ArrayList<>();
      for (Future<T> future : threads.invokeAll(calls)) {
        results.add(future.get());
      }
      return results;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WispException("training was interrupted", e);
    } catch (ExecutionException e) {
      throw ParallelLearner.<RuntimeException>asItIs(Objects.requireNonNull(e.getCause()));
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> E asItIs(Throwable failure) throws E {
    throw (E) failure;
  }

  @Override
  public Map<String, Checkpoint.Value> weights() {
    return replicas.getFirst().weights();
  }

  @Override
  public Map<String, Checkpoint.Value> state() {
    return replicas.getFirst().state();
  }

  @Override
  public void restore(long step, Checkpoint state) {
    replicas.forEach(replica -> replica.restore(step, state));
  }

  @Override
  public Map<String, Double> validate() {
    return replicas.getFirst().validate();
  }

  @Override
  public void close() {
    threads.close();
    collective.close();
  }
}
