package dev.wisp.report;

import dev.wisp.data.Dataset;
import dev.wisp.io.AtomicFiles;
import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Makes reports of run folders. */
public final class Reports {
  /** Name of the report that a run's folder holds. */
  public static final String FILE = "report.html";

  private Reports() {}

  /**
   * Collects a run and writes its page.
   *
   * @param run the run's folder, see {@link RunLayout#find}
   * @param data the dataset that was labelled; null for the one in the run's own folder, if any
   * @param out the file to write
   * @return what was collected
   * @throws dev.wisp.common.WispException if the folder holds no run, or the file cannot be written
   */
  public static ReportData write(
      Path run, @Nullable Dataset data, Path out, RunCollector.Limits limits) {
    ReportData collected = RunCollector.collect(RunLayout.find(run, data), limits, now());
    AtomicFiles.writeString(out, ReportPage.html(collected));
    return collected;
  }

  /** The time, for people. */
  static String now() {
    return ZonedDateTime.now(ZoneId.systemDefault())
        .format(DateTimeFormatter.ofPattern("d MMMM yyyy, HH:mm z", Locale.ENGLISH));
  }
}
