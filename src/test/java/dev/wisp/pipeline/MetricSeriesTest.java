package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricSeriesTest {
  @TempDir private Path folder;

  @Test
  void aLogsNumbersAndSkippedImagesAreReadBack() throws IOException {
    Path run = Files.createDirectories(folder.resolve("run"));
    try (MetricsLog log = MetricsLog.open(run, 0)) {
      log.add(1, Map.of("loss", 0.5));
      log.skip(1, "cat", "cat.jpg: truncated");
      log.add(2, Map.of("loss", 0.25, "val/miou", 0.75));
    }
    MetricSeries series = MetricSeries.read(run.resolve(RunDirectory.METRICS));
    assertThat(series.values())
        .containsEntry(
            "loss", List.of(new MetricSeries.Point(1, 0.5), new MetricSeries.Point(2, 0.25)))
        .containsEntry("val/miou", List.of(new MetricSeries.Point(2, 0.75)));
    assertThat(series.skipped()).containsExactly(Map.entry("cat", "cat.jpg: truncated"));
    assertThat(series.lastStep()).isEqualTo(2);
    assertThat(series.last()).containsEntry("loss", 0.25);
  }

  @Test
  void aLineThatIsStillBeingWrittenIsPassedOver() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("metrics.jsonl"), "{\"step\":1,\"loss\":2}\n{\"step\":2,\"lo");
    assertThat(MetricSeries.read(file).lastStep()).isEqualTo(1);
    Files.writeString(file, "");
    assertThat(MetricSeries.read(file).values()).isEmpty();
    assertThat(MetricSeries.read(file).lastStep()).isZero();
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> MetricSeries.read(folder.resolve("none.jsonl")))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("none.jsonl: cannot read: no such file");
  }
}
