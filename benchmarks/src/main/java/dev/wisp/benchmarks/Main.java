package dev.wisp.benchmarks;

import dev.wisp.benchmarks.Plan.Case;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Steps of {@code run.sh}, each a process of its own: {@code values --engine E --out DIR}, {@code
 * compare --out DIR}, {@code time --engine E --out DIR}, {@code report --out DIR}.
 */
public final class Main {
  private Main() {}

  /** Runs one step; a failed comparison ends with status 1. */
  public static void main(String[] arguments) throws IOException, RunnerException {
    if (arguments.length == 0) {
      throw new IllegalArgumentException("usage: values|compare|time|report --out DIR ...");
    }
    Options options = new Options(arguments, 1);
    Plan plan = Plan.of(options);
    Path out = options.path("out");
    Files.createDirectories(out);
    switch (arguments[0]) {
      case "values" -> values(options.text("engine"), plan, out);
      case "compare" -> compare(plan, out);
      case "time" -> Measure.run(options.text("engine"), plan, out);
      case "report" -> Report.write(options, plan, out);
      default -> throw new IllegalArgumentException("no step is called " + arguments[0]);
    }
  }

  private static void values(String name, Plan plan, Path out) throws IOException {
    try (Engine engine = Engine.named(name)) {
      System.out.println(name + ": " + engine.describe());
      Files.writeString(out.resolve(name + ".txt"), engine.describe());
      for (Case one : plan.cases()) {
        try (Workload workload =
            engine.open(one.task(), new Setting(one.batch(), plan.foreground()))) {
          Values.write(Values.file(out, name, one.task(), one.batch()), workload.values());
        }
      }
    }
  }

  private static void compare(Plan plan, Path out) throws IOException {
    boolean equal = true;
    for (Case one : plan.cases()) {
      try {
        System.out.print(
            Values.compare(
                one.task(),
                Values.read(Values.file(out, Engine.LIBTORCH, one.task(), one.batch())),
                Values.read(Values.file(out, Engine.WISP, one.task(), one.batch()))));
      } catch (IllegalStateException different) {
        System.err.println("batch " + one.batch() + ": " + different.getMessage());
        equal = false;
      }
    }
    if (!equal) {
      System.exit(1);
    }
  }
}
