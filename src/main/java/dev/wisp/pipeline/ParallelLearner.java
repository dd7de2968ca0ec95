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
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
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
  private @Nullable Shares next;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  /** The next step's batch, by device. */
  private record Shares(Batch whole, List<Batch> parts) {}

  /**
   * A learner over replicas with equal weights.
   *
   * @param batch images of a step
   * @throws WispException if the batch has no equal shares
   */
  ParallelLearner(List<NetworkLearner> replicas, int batch) {
    requireShares("the recipe's batch", batch, replicas.size());
    this.replicas = List.copyOf(replicas);
    collective = Backends.collective(replicas.stream().map(ParallelLearner::backend).toList());
    LOG.info("{} devices, {} images each; {}", size(), batch / size(), collective.describe());
  }

  /**
   * Refuses a batch that cannot be shared equally.
   *
   * @param key of the recipe that says how large it is
   */
  static void requireShares(String key, int batch, int devices) {
    if (batch % devices != 0) {
      throw new WispException(
          "a batch of %d images has no equal shares for %d devices; change %s with --set"
              .formatted(batch, devices, key));
    }
  }

  private static Backend backend(NetworkLearner replica) {
    return replica.network().backend();
  }

  private int size() {
    return replicas.size();
  }

  @Override
  public Supplier<Map<String, Double>> step(Batch batch, long step, long total) {
    List<Batch> shares = next != null && next.whole() == batch ? next.parts() : shares(batch);
    next = null;
    List<TrainingBatch> parts = onEach(i -> replicas.get(i).images(shares.get(i)));
    double[] divisors = divisors(parts);
    List<Supplier<Losses>> losses =
        onEach(i -> replicas.get(i).gradients(parts.get(i), divisors, size()));
    collective.average(gradients());
    List<Supplier<Map<String, Double>>> updates = onEach(i -> replicas.get(i).update());
    return () -> {
      Map<String, Double> values = NetworkLearner.metrics(mean(onEach(i -> losses.get(i).get())));
      values.putAll(onEach(i -> updates.get(i).get()).getFirst());
      return values;
    };
  }

  @Override
  public void prefetch(Batch batch) {
    List<Batch> parts = shares(batch);
    next = new Shares(batch, parts);
    onEach(
        i -> {
          replicas.get(i).prefetch(parts.get(i));
          return true;
        });
  }

  private List<Batch> shares(Batch batch) {
    int share = batch.crops().size() / size();
    return IntStream.range(0, size())
        .mapToObj(i -> batch.part(i * share, (i + 1) * share))
        .toList();
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
