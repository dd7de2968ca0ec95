package dev.wisp.benchmarks;

import dev.wisp.benchmarks.Plan.Case;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.util.Statistics;

/**
 * Times the cases of a plan in one engine. The forks inherit this process's environment and class
 * path, so each engine runs under the OpenMP settings its caller chose.
 */
final class Measure {
  private Measure() {}

  /**
   * Times of one case in milliseconds over all calls of all forks.
   *
   * @param calls number of timed calls
   */
  record Times(
      String engine, Task task, int batch, double median, double low, double high, long calls) {
    String line() {
      return "%s\t%s\t%d\t%f\t%f\t%f\t%d%n"
          .formatted(engine, task.id(), batch, median, low, high, calls);
    }

    static Times parse(String line) {
      String[] parts = line.split("\t");
      return new Times(
          parts[0],
          Task.of(parts[1]),
          Integer.parseInt(parts[2]),
          Double.parseDouble(parts[3]),
          Double.parseDouble(parts[4]),
          Double.parseDouble(parts[5]),
          Long.parseLong(parts[6]));
    }
  }

  static Path file(Path out, String engine) {
    return out.resolve(engine + "-times.tsv");
  }

  static void run(String engine, Plan plan, Path out) throws IOException, RunnerException {
    StringBuilder lines = new StringBuilder();
    List<String> jvm = new ArrayList<>(ManagementFactory.getRuntimeMXBean().getInputArguments());
    jvm.add("-D" + Memory.FILE + "=" + out.resolve(engine + "-memory.tsv").toAbsolutePath());
    Files.deleteIfExists(out.resolve(engine + "-memory.tsv"));
    for (Case one : plan.cases()) {
      OptionsBuilder options = new OptionsBuilder();
      options
          .include(EngineBenchmark.class.getName())
          .param("engine", engine)
          .param("task", one.task().id())
          .param("batch", Integer.toString(one.batch()))
          .param("foreground", Integer.toString(plan.foreground()))
          .forks(plan.forks(engine))
          .warmupIterations(plan.quick() ? 1 : one.warmup())
          .measurementIterations(plan.quick() ? 1 : one.measured())
          .warmupTime(TimeValue.seconds(one.seconds()))
          .measurementTime(TimeValue.seconds(one.seconds()))
          .jvmArgs(jvm.toArray(String[]::new))
          .shouldFailOnError(true);
      RunResult result = new Runner(options.build()).runSingle();
      Statistics times = result.getPrimaryResult().getStatistics();
      lines.append(
          new Times(
                  engine,
                  one.task(),
                  one.batch(),
                  times.getPercentile(50),
                  times.getMin(),
                  times.getMax(),
                  times.getN())
              .line());
    }
    Files.writeString(file(out, engine), lines);
  }
}
