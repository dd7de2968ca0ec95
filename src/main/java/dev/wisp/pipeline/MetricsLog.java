package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code metrics.jsonl} of a run, one JSON object a line, and the same numbers for TensorBoard.
 * Lines are only appended; a resumed run first cuts the file back to its checkpoint's step and
 * makes the event file anew from what is left. Not thread-safe.
 */
final class MetricsLog implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String EVENTS = "events.out.tfevents.0000000000.wisp";

  private final Path file;
  private final FileChannel lines;
  private final EventFile events;
  private final Map<String, String> skipped = new TreeMap<>();

  private MetricsLog(Path file, FileChannel lines, EventFile events) {
    this.file = file;
    this.lines = lines;
    this.events = events;
  }

  /**
   * Opens the log of a run that has done {@code step} steps; later lines, and a line torn by a
   * kill, are cut off.
   */
  static MetricsLog open(Path run, long step) {
    Path file = run.resolve(RunDirectory.METRICS);
    try {
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      List<JsonNode> kept = new ArrayList<>();
      channel.truncate(keep(Files.readAllBytes(file), step, kept));
      channel.position(channel.size());
      MetricsLog log = new MetricsLog(file, channel, EventFile.create(run.resolve(EVENTS)));
      for (JsonNode line : kept) {
        log.remember(line);
      }
      log.events.flush();
      return log;
    } catch (IOException e) {
      throw new WispException("cannot open %s: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** Length of the lines to keep; their contents go to {@code kept}. */
  private static long keep(byte[] bytes, long step, List<JsonNode> kept) {
    int begin = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        JsonNode line;
        try {
          line = JSON.readTree(bytes, begin, i - begin);
        } catch (JacksonException torn) {
          break;
        }
        if (line.path("step").asLong(Long.MAX_VALUE) > step) {
          break;
        }
        kept.add(line);
        begin = i + 1;
      }
    }
    return begin;
  }

  private void remember(JsonNode line) throws IOException {
    if (line.has("skipped")) {
      skipped.put(line.path("skipped").asString(), line.path("reason").asString());
      return;
    }
    Map<String, Double> scalars = new LinkedHashMap<>();
    line.properties()
        .forEach(
            entry -> {
              if (entry.getValue().isNumber() && !entry.getKey().equals("step")) {
                scalars.put(entry.getKey(), entry.getValue().asDouble());
              }
            });
    events.scalars(line.path("step").asLong(), scalars);
  }

  /** Adds the numbers of a step; steps count from 1. */
  void add(long step, Map<String, Double> values) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", step);
    line.putAll(values);
    append(line);
    try {
      events.scalars(step, values);
      events.flush();
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  /** Adds an image that could not be used, once. */
  void skip(long step, String image, String reason) {
    if (skipped.putIfAbsent(image, reason) == null) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("step", step);
      line.put("skipped", image);
      line.put("reason", reason);
      append(line);
    }
  }

  /** Images that could not be used, with the reason, over the whole run. */
  Map<String, String> skipped() {
    return Map.copyOf(skipped);
  }

  private void append(Map<String, Object> line) {
    ByteBuffer bytes =
        ByteBuffer.wrap((JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        lines.write(bytes);
      }
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  /** Makes everything written so far survive a power cut. */
  void sync() {
    try {
      lines.force(true);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  private WispException unwritable(IOException e) {
    return new WispException(
        "cannot write %s: %s; is the disk full?".formatted(file, e.getMessage()), e);
  }

  @Override
  public void close() {
    try (lines;
        events) {
      lines.force(true);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }
}
