package dev.wisp.cli;

import dev.wisp.pipeline.Progress;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar with images per second and time left, on a terminal only. */
final class ConsoleProgress implements Progress {
  private @Nullable ProgressBar bar;

  private ConsoleProgress() {}

  /** A bar if the output is a terminal; otherwise nothing is shown. */
  static Progress onTerminal() {
    return System.console() != null && System.console().isTerminal()
        ? new ConsoleProgress()
        : Progress.NONE;
  }

  @Override
  public void begin(String task, long done, long total) {
    end();
    bar =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(total)
            .startsFrom(done, Duration.ZERO)
            .setStyle(ProgressBarStyle.ASCII)
            .setUnit(" images", 1)
            .showSpeed()
            .setUpdateIntervalMillis(500)
            .build();
  }

  @Override
  public void advance(long done, String note) {
    if (bar != null) {
      bar.stepTo(done);
      bar.setExtraMessage(String.format(Locale.ROOT, " %s", note));
    }
  }

  @Override
  public void end() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
