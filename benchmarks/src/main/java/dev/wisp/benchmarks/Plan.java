package dev.wisp.benchmarks;

import java.util.ArrayList;
import java.util.List;

/**
 * What one run measures, and how long.
 *
 * @param cases tasks with their batch sizes
 * @param foreground present classes besides the background
 * @param quick one short fork per case: shows that all works, not how fast it is
 */
record Plan(List<Case> cases, int foreground, boolean quick) {
  /** A task at a batch size; the network has one of its own. */
  record Case(Task task, int batch) {
    /** Largest time one call of the slower engine takes, roughly, in seconds. */
    private boolean slow() {
      return task == Task.PAMR && batch > 4;
    }

    /** Warm-up iterations. */
    int warmup() {
      return slow() ? 1 : 2;
    }

    /** Measured iterations. */
    int measured() {
      return slow() ? 1 : 3;
    }

    /** Seconds an iteration lasts at least; a call under way is finished. */
    int seconds() {
      return task == Task.NETWORK ? 3 : 1;
    }
  }

  /** Processes per case; libtorch's second setting is for information and gets one. */
  int forks(String engine) {
    return quick || engine.equals(Engine.LIBTORCH_HUGE) ? 1 : 3;
  }

  /** Reads {@code --tasks a,b --batches 1,16 --foreground 2 --quick}. */
  static Plan of(Options options) {
    boolean quick = options.flag("quick");
    List<Case> cases = new ArrayList<>();
    for (String id : options.text("tasks", "pamr,structure,reactivation,network").split(",")) {
      Task task = Task.of(id);
      if (task == Task.NETWORK) {
        cases.add(new Case(task, Network.BATCH));
        continue;
      }
      for (String batch : options.text("batches", quick ? "1" : "1,16").split(",")) {
        cases.add(new Case(task, Integer.parseInt(batch)));
      }
    }
    int foreground = Integer.parseInt(options.text("foreground", "2"));
    return new Plan(cases, foreground, quick);
  }
}
