package dev.wisp.backend.cuda;

import dev.wisp.backend.cuda.CountedCall.CountedKernel;
import dev.wisp.backend.plan.Titan;
import dev.wisp.backend.plan.Work;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The page {@code docs/cuda-counts.md}: written from counts, and read back as a budget. */
final class CountsPage {
  static final String COMMAND = "mvn -Pcuda test -Dtest=CudaCountsTest -Dwisp.cuda.counts=write";

  /** More than this times the minimum wants a reason. */
  static final double PLAIN = 2;

  private static final String INTRODUCTION =
      """
      # What the CUDA kernels move and compute

      Written by `%s`; a test holds the
      kernels to the launches and bytes of this page.

      ## Counted

      Counted by the software CUDA device ([native/softgpu](../native/softgpu/README.md)) on the
      backend's own launches for one image; code for compute_75, of `wisp_structure_sums` and
      `wisp_structure_units` for compute_52, of `wisp_structure_sums_m8n8k4` for compute_70. *Lanes*:
      the bytes of global memory that the threads read and wrote. *Sectors*: 32 bytes for each
      sector that an access of a warp touched, what a card without caches would move. *Least*: every
      input of the kernel read once, every output written once. Workspaces count as outputs of one
      kernel and inputs of the next. Warp instructions are PTX instructions, which the driver
      compiles further.

      | kernel | size | launches | lanes, bytes | sectors, bytes | least, bytes | larger / least \
      | warp instructions |
      |---|---|--:|--:|--:|--:|--:|--:|
      """;

  private static final String REASONS =
      """

      Where lanes or sectors are more than twice the least:

      """;

  private static final String BOUNDS =
      """

      ## Bounds

      **Calculated, not measured**: nothing here ran on a card. The time that a kernel takes at
      least, in microseconds for all its launches together, is the longest of least bytes /
      bandwidth, float32 operations / peak, double operations / peak and tensor operations / peak,
      each at its peak and all at once. Starting a launch takes some microseconds more, and operands
      that lie in the L2 cache already arrive sooner than the bandwidth says. Operations are those
      of the formula (a fused multiply-add is two), as the kernels' headers give them: in float32,
      f64 in double, f16 of halves on tensor cores.

      | card | GB/s | TFLOP/s float32 | double | tensor |
      |---|--:|--:|--:|--:|
      """;

  private static final Pattern ROW =
      Pattern.compile(
          "\\| `(wisp_\\w+)` \\| ([^|]+) \\| ([\\d,]+) \\| ([\\d,]+) \\| ([\\d,]+) \\|");

  private CountsPage() {}

  /** A kernel at a size. */
  record Key(String kernel, String size) {}

  /** A kernel of a call and what it did. */
  record Row(CountedCall call, CountedKernel kernel, KernelCounts counts) {
    Key key() {
      return new Key(kernel.name(), call.size());
    }

    /** How many times its least it moves, by lanes or by sectors, whatever is more. */
    double ratio() {
      return (double) Math.max(counts.bytes(), counts.sectorBytes()) / kernel.least().bytes();
    }
  }

  /** What the page allows a kernel. */
  record Budget(long launches, long bytes, long sectorBytes) {}

  /** Of rows with one key the first is shown. */
  static String text(List<Row> all) {
    Map<Key, Row> distinct = new LinkedHashMap<>();
    all.forEach(row -> distinct.putIfAbsent(row.key(), row));
    Collection<Row> rows = distinct.values();
    StringBuilder page = new StringBuilder(INTRODUCTION.formatted(COMMAND));
    for (Row row : rows) {
      KernelCounts counts = row.counts();
      page.append(
          format(
              "| `%s` | %s | %,d | %,d | %,d | %,d | %.2f | %,d |\n",
              row.kernel().name(),
              row.call().size(),
              counts.launches(),
              counts.bytes(),
              counts.sectorBytes(),
              row.kernel().least().bytes(),
              row.ratio(),
              counts.warpInstructions()));
    }
    page.append(REASONS);
    reasons(rows)
        .forEach(
            (reason, kernels) ->
                page.append("- `")
                    .append(String.join("`, `", kernels))
                    .append("`: ")
                    .append(reason)
                    .append(".\n"));
    page.append(BOUNDS);
    for (Titan card : Titan.values()) {
      page.append(
          format(
              "| %s | %.1f | %.2f | %.2f | %s |\n",
              card.title(),
              card.bandwidth() / 1e9,
              card.floats() / 1e12,
              card.doubles() / 1e12,
              card.halves() == 0 ? "none" : format("%.1f", card.halves() / 1e12)));
    }
    page.append("\n| kernel | size | operations | operations a byte |");
    for (Titan card : Titan.values()) {
      page.append(" ").append(card.title()).append(", us |");
    }
    page.append("\n|---|---|--:|--:|").append("--:|".repeat(Titan.values().length)).append("\n");
    rows.forEach(row -> page.append(bound(row)));
    return page.toString();
  }

  private static Map<String, Set<String>> reasons(Collection<Row> rows) {
    Map<String, Set<String>> kernels = new LinkedHashMap<>();
    for (Row row : rows) {
      if (!row.kernel().note().isEmpty()) {
        kernels
            .computeIfAbsent(row.kernel().note(), note -> new LinkedHashSet<>())
            .add(row.kernel().name());
      }
    }
    return kernels;
  }

  private static String bound(Row row) {
    Work least = row.kernel().least();
    StringBuilder line =
        new StringBuilder(
            format(
                "| `%s` | %s | %s | %.2f |",
                row.kernel().name(),
                row.call().size(),
                operations(least),
                least.operations() / least.bytes()));
    for (Titan card : Titan.values()) {
      line.append(" ").append(microseconds(card.seconds(least))).append(" |");
    }
    return line.append("\n").toString();
  }

  private static String microseconds(double seconds) {
    if (Double.isInfinite(seconds)) {
      return "none";
    }
    return seconds < 1e-8 ? "< 0.01" : format("%.2f", seconds * 1e6);
  }

  private static String operations(Work least) {
    List<String> parts = new ArrayList<>();
    if (least.floats() > 0 || least.operations() == 0) {
      parts.add(format("%,.0f", least.floats()));
    }
    if (least.doubles() > 0) {
      parts.add(format("%,.0f f64", least.doubles()));
    }
    if (least.halves() > 0) {
      parts.add(format("%,.0f f16", least.halves()));
    }
    return String.join(" + ", parts);
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }

  /** The table of counts of a page. */
  static Map<Key, Budget> budgets(String page) {
    Map<Key, Budget> budgets = new LinkedHashMap<>();
    Matcher row = ROW.matcher(page);
    while (row.find()) {
      budgets.put(
          new Key(row.group(1), row.group(2)),
          new Budget(number(row.group(3)), number(row.group(4)), number(row.group(5))));
    }
    return budgets;
  }

  private static long number(String text) {
    return Long.parseLong(text.replace(",", ""));
  }
}
