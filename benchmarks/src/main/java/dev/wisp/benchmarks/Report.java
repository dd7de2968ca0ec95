package dev.wisp.benchmarks;

import dev.wisp.benchmarks.Measure.Times;
import dev.wisp.benchmarks.Plan.Case;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/** Joins both engines' figures into a table, and into lines of the history. */
final class Report {
  private static final double MEGA = 1 << 20;

  private Report() {}

  /**
   * Peak resident memory of a case, the largest of its forks, in bytes.
   *
   * @param before resident with the inputs loaded
   */
  private record Peak(long before, long peak) {}

  static void write(Options options, Plan plan, Path out) throws IOException {
    String machine = machine();
    StringBuilder table = new StringBuilder();
    StringBuilder history = new StringBuilder();
    String date = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    table
        .append("Commit %s, %s, %s.%n".formatted(options.text("commit"), date, machine))
        .append("- libtorch: %s%n".formatted(Files.readString(out.resolve("libtorch.txt"))))
        .append("- wisp: %s%n%n".formatted(Files.readString(out.resolve("wisp.txt"))))
        .append(
            "| task | batch | libtorch ms | libtorch with huge pages ms | wisp ms | libtorch / wisp"
                + " |")
        .append(" bound | huge pages / wisp |")
        .append(" libtorch peak MiB (over inputs) | wisp peak MiB (over inputs) |\n")
        .append("|---|---|---|---|---|---|---|---|---|---|\n");
    for (Case one : plan.cases()) {
      Times peer = times(out, Engine.LIBTORCH, one);
      Times huge = times(out, Engine.LIBTORCH_HUGE, one);
      Times own = times(out, Engine.WISP, one);
      Peak peerPeak = peak(out, Engine.LIBTORCH, one);
      Peak ownPeak = peak(out, Engine.WISP, one);
      double ratio = peer.median() / own.median();
      table.append(
          "| %s | %d | %s | %s | %s | **%.2f** | %s%s | %.2f | %s | %s |%n"
              .formatted(
                  one.task().id(),
                  one.batch(),
                  range(peer),
                  range(huge),
                  range(own),
                  ratio,
                  one.task().bound(),
                  ratio >= one.task().bound() ? "" : " missed",
                  huge.median() / own.median(),
                  text(peerPeak),
                  text(ownPeak)));
      history.append(
          String.format(
              Locale.ROOT,
              "{\"date\":\"%s\",\"commit\":\"%s\",\"machine\":\"%s\",\"task\":\"%s\",\"batch\":%d,"
                  + "\"foreground\":%d,\"libtorch_ms\":%.3f,\"libtorch_huge_ms\":%.3f,\"wisp_ms\":%.3f,\"ratio\":%.2f,"
                  + "\"libtorch_calls\":%d,\"wisp_calls\":%d,\"libtorch_peak_mib\":%.0f,"
                  + "\"wisp_peak_mib\":%.0f}%n",
              date,
              options.text("commit"),
              machine,
              one.task().id(),
              one.batch(),
              plan.foreground(),
              peer.median(),
              huge.median(),
              own.median(),
              ratio,
              peer.calls(),
              own.calls(),
              peerPeak.peak() / MEGA,
              ownPeak.peak() / MEGA));
    }
    table.append(
        "%nTimes are medians over all calls of %d forks (least to most), one fork with huge pages. Peak is VmHWM of the"
                .formatted(plan.forks(Engine.WISP))
            + " fork once its inputs are loaded, in brackets what lies above VmRSS at that moment."
            + " %d of %d classes are present.%n".formatted(plan.foreground() + 1, Setting.CLASSES));
    Files.writeString(out.resolve("report.md"), table);
    System.out.print(table);
    if (!plan.quick() && !options.flag("no-history")) {
      Files.writeString(
          options.path("history"), history, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }

  private static Times times(Path out, String engine, Case one) throws IOException {
    for (String line : Files.readAllLines(Measure.file(out, engine))) {
      Times times = Times.parse(line);
      if (times.task() == one.task() && times.batch() == one.batch()) {
        return times;
      }
    }
    throw new IllegalStateException("no time of " + engine + " for " + one);
  }

  private static Peak peak(Path out, String engine, Case one) throws IOException {
    Peak most = new Peak(0, 0);
    for (String line : Files.readAllLines(out.resolve(engine + "-memory.tsv"))) {
      String[] parts = line.split("\t");
      boolean same = parts[1].equals(one.task().id()) && Integer.parseInt(parts[2]) == one.batch();
      Peak peak = new Peak(Long.parseLong(parts[3]), Long.parseLong(parts[4]));
      most = same && peak.peak() > most.peak() ? peak : most;
    }
    return most;
  }

  private static String range(Times times) {
    return "%.1f (%.1f-%.1f)".formatted(times.median(), times.low(), times.high());
  }

  private static String text(Peak peak) {
    return "%.0f (%.0f)".formatted(peak.peak() / MEGA, (peak.peak() - peak.before()) / MEGA);
  }

  private static String machine() throws IOException {
    String model = "unknown CPU";
    for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
      if (line.startsWith("model name")) {
        model = line.substring(line.indexOf(':') + 1).strip();
        break;
      }
    }
    String load = Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
    return "%s, %d cores, load %s"
        .formatted(model, Runtime.getRuntime().availableProcessors(), load);
  }
}
