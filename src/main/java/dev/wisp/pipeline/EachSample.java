package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;

/** A task for every image of a dataset that goes on over images which cannot be used. */
final class EachSample {
  private EachSample() {}

  /** Handles one image. */
  @FunctionalInterface
  interface Task {
    /**
     * @throws WispException in one line, if the image or something of it cannot be used
     */
    void run(Sample sample);
  }

  /**
   * Runs the task for every image in the list's order.
   *
   * @param name of the work, for the progress
   * @return images that could not be used, with the reason
   */
  static Map<String, String> run(
      String name, Dataset data, Progress progress, Logger log, Task task) {
    Map<String, String> skipped = new TreeMap<>();
    int done = 0;
    progress.begin(name, 0, data.samples().size());
    try {
      for (Sample sample : data.samples()) {
        try {
          task.run(sample);
        } catch (WispException unusable) {
          log.warn("skipped: {}", unusable.getMessage());
          skipped.put(sample.id(), String.valueOf(unusable.getMessage()));
        }
        progress.advance(++done, sample.id());
      }
    } finally {
      progress.end();
    }
    return skipped;
  }
}
