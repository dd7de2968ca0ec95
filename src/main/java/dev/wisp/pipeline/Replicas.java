package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.method.TrainableNetwork;
import dev.wisp.nn.Sgd;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A network on each of several devices, and the learner that trains them as one. */
final class Replicas<N extends TrainableNetwork> implements AutoCloseable {
  private final List<N> networks = new ArrayList<>();
  private final Deque<Runnable> closing = new ArrayDeque<>();
  private @Nullable Learner learner;

  /**
   * Makes the networks.
   *
   * @param make a network with its first weights on a device: equal on all
   */
  Replicas(List<Backend> devices, Function<Backend, N> make) {
    try {
      for (Backend device : devices) {
        N network = make.apply(device);
        networks.add(network);
        closing.push(network::close);
      }
    } catch (RuntimeException unusable) {
      close();
      throw unusable;
    }
  }

  /** The network on the first device: its weights and scores stand for all. */
  N first() {
    return networks.getFirst();
  }

  /**
   * What trains the networks, with an optimiser for each; made once.
   *
   * @param batch images of a step
   * @param validation as for {@link NetworkLearner}
   * @throws dev.wisp.common.WispException if the devices cannot share the batch equally
   */
  Learner learner(Sgd.Options options, int batch, Supplier<Map<String, Double>> validation) {
    if (learner != null) {
      throw new IllegalStateException("the networks have a learner");
    }
    List<NetworkLearner> learners = new ArrayList<>();
    for (N network : networks) {
      NetworkLearner one = new NetworkLearner(network, options, validation);
      closing.push(one::close);
      learners.add(one);
    }
    if (learners.size() == 1) {
      learner = learners.getFirst();
    } else {
      ParallelLearner parallel = new ParallelLearner(learners, batch);
      closing.push(parallel::close);
      learner = parallel;
    }
    return learner;
  }

  @Override
  public void close() {
    while (!closing.isEmpty()) {
      closing.pop().run();
    }
  }
}
