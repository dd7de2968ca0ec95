package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Precision;
import dev.wisp.backend.plan.PlanningBackend;
import dev.wisp.backend.plan.Titan;
import dev.wisp.backend.plan.Work;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Sgd;
import java.util.ArrayList;
import java.util.List;

/**
 * The least work of a training step, operation by operation, counted by a dry run: what no device
 * can undercut, and no forecast of what one does. Calculated, never measured.
 *
 * @param operations of one step, the first one's set-up excluded
 */
public record StepBound(List<Work> operations) {
  public StepBound {
    operations = List.copyOf(operations);
  }

  /**
   * Counts a recipe's step.
   *
   * @param classes foreground classes of the dataset, at least 1
   * @param precision of the card; in mixed precision convolutions multiply halves on tensor cores,
   *     and the encoder's activations are halves in memory
   */
  public static StepBound of(Recipe recipe, int classes, Precision precision) {
    List<Work> counted = new ArrayList<>();
    Backend backend = PlanningBackend.open(precision, counted::add);
    Sgd.Options options = new Sgd.Options(1, 1, recipe.training().momentum(), 0, 1, 2, 1);
    try (AeSipeNet network = new AeSipeNet(backend, Models.method(recipe, classes))) {
      TrainingBatch images =
          MemoryPlan.images(
              recipe.training().batch(),
              recipe.training().crop(),
              network.outputStride(),
              MemoryPlan.present(classes));
      try (Sgd sgd = new Sgd(backend, network.parameters(), options)) {
        network.step(images);
        sgd.step();
        counted.clear();
        network.step(images);
        sgd.step();
      }
    }
    return new StepBound(counted);
  }

  /** Bytes that the step moves at least. */
  public double bytes() {
    return operations.stream().mapToDouble(Work::bytes).sum();
  }

  /** Operations of the step's convolutions, an addition and a multiplication being two. */
  public double arithmetic() {
    return operations.stream().mapToDouble(Work::operations).sum();
  }

  /**
   * The least seconds of a step on a card: the sum of each operation's bound (roofline; Williams,
   * Waterman, Patterson, CACM 52, 2009).
   */
  public double seconds(Titan card) {
    return operations.stream().mapToDouble(card::seconds).sum();
  }
}
