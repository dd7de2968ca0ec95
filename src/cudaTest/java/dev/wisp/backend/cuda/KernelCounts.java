package dev.wisp.backend.cuda;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the launches of one kernel did on the software CUDA device (native/softgpu/README.md).
 *
 * @param bytes of global memory that lanes read and wrote
 * @param sectorBytes 32 for every sector that an access of a warp touched
 */
record KernelCounts(long launches, long bytes, long sectorBytes, long warpInstructions) {
  private static final int SECTOR = 32;
  private static final Pattern KERNEL = Pattern.compile("\"(wisp_\\w+)\": \\{([^}]*)}");

  /** Of every kernel launched since the counts were reset. */
  static Map<String, KernelCounts> counted() {
    Map<String, KernelCounts> counts = new TreeMap<>();
    Matcher kernel = KERNEL.matcher(Referee.counts());
    while (kernel.find()) {
      String fields = kernel.group(2);
      counts.put(
          kernel.group(1),
          new KernelCounts(
              field(fields, "launches"),
              field(fields, "global_bytes_read") + field(fields, "global_bytes_written"),
              SECTOR
                  * (field(fields, "global_sectors_read")
                      + field(fields, "global_sectors_written")),
              field(fields, "warp_instructions")));
    }
    return counts;
  }

  private static long field(String fields, String name) {
    Matcher value = Pattern.compile("\"" + name + "\": (\\d+)").matcher(fields);
    if (!value.find()) {
      throw new IllegalStateException("the software device counts no " + name + ": " + fields);
    }
    return Long.parseLong(value.group(1));
  }
}
