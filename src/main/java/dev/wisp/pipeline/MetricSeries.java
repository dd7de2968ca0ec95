package dev.wisp.pipeline;

import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The numbers of a {@code metrics.jsonl}, which may still be growing: a last line that is not whole
 * yet is passed over.
 *
 * @param values by name, each a series over steps
 * @param skipped images that could not be used, with the reason
 */
public record MetricSeries(Map<String, List<Point>> values, Map<String, String> skipped) {
  /** A number at a step; steps count from 1. */
  public record Point(long step, double value) {}

  /**
   * Reads a run's file.
   *
   * @throws dev.wisp.common.WispException if it cannot be read
   */
  public static MetricSeries read(Path file) {
    Map<String, List<Point>> values = new LinkedHashMap<>();
    Map<String, String> skipped = new TreeMap<>();
    String text;
    try {
      text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
    for (String line : text.split("\n")) {
      try {
        add(JsonMapper.shared().readTree(line), values, skipped);
      } catch (JacksonException torn) {
        // As the log itself does on resume: nothing behind a torn line counts.
        break;
      }
    }
    return new MetricSeries(values, skipped);
  }

  private static void add(
      JsonNode line, Map<String, List<Point>> values, Map<String, String> skipped) {
    long step = line.path("step").asLong(0);
    if (line.has("skipped")) {
      skipped.put(line.path("skipped").asString(), line.path("reason").asString());
      return;
    }
    line.properties()
        .forEach(
            entry -> {
              if (entry.getValue().isNumber() && !entry.getKey().equals("step")) {
                values
                    .computeIfAbsent(entry.getKey(), name -> new ArrayList<>())
                    .add(new Point(step, entry.getValue().asDouble()));
              }
            });
  }

  /** The newest value of each series. */
  public Map<String, Double> last() {
    Map<String, Double> last = new LinkedHashMap<>();
    values.forEach((name, points) -> last.put(name, points.getLast().value()));
    return last;
  }

  /** The newest step, 0 before the first. */
  public long lastStep() {
    return values.values().stream().mapToLong(points -> points.getLast().step()).max().orElse(0);
  }
}
