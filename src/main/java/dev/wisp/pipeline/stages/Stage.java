package dev.wisp.pipeline.stages;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * One step of a pipeline: a function of its settings and its inputs that writes files below a
 * folder of its own, {@code RUN/NAME}.
 *
 * @param name of the stage and its folder
 * @param settings everything besides the inputs that decides the outputs, as text
 * @param needs other stages whose outputs it reads, and what of them, in words
 * @param given inputs from outside the run: a name, and a digest that is taken when it is needed
 * @param outputs files or folders below the stage's folder that count as its result
 * @param body does the work
 */
public record Stage(
    String name,
    String settings,
    Map<String, String> needs,
    Map<String, Supplier<String>> given,
    List<String> outputs,
    Body body) {
  public Stage {
    needs = Map.copyOf(needs);
    given = Map.copyOf(given);
    outputs = List.copyOf(outputs);
  }

  /** What a stage does. */
  @FunctionalInterface
  public interface Body {
    /**
     * Writes the outputs.
     *
     * @param resume whether an attempt with the same settings and inputs was begun before and its
     *     files are there; else the stage's folder is empty
     * @return inputs that could not be used, by name, with the reason; empty if all could
     */
    Map<String, String> run(boolean resume);
  }
}
