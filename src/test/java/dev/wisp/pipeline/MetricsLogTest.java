package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {
  @TempDir Path run;

  @Test
  void aResumedLogIsCutBackToTheStepAndLosesATornLine() throws IOException {
    try (MetricsLog log = MetricsLog.open(run, 0)) {
      for (int step = 1; step <= 5; step++) {
        log.add(step, Map.of("loss", 1.0 / step));
      }
    }
    Path file = run.resolve("metrics.jsonl");
    Files.writeString(file, "{\"step\":6,\"lo", StandardOpenOption.APPEND);
    try (MetricsLog log = MetricsLog.open(run, 3)) {
      log.add(4, Map.of("loss", 9.0));
    }
    assertThat(Files.readAllLines(file))
        .containsExactly(
            "{\"step\":1,\"loss\":1.0}",
            "{\"step\":2,\"loss\":0.5}",
            "{\"step\":3,\"loss\":0.3333333333333333}",
            "{\"step\":4,\"loss\":9.0}");
  }

  @Test
  void skippedImagesAreListedOnceAndRememberedOverAResume() {
    try (MetricsLog log = MetricsLog.open(run, 0)) {
      log.skip(1, "a.jpg", "truncated");
      log.skip(2, "a.jpg", "truncated");
      log.skip(3, "b.jpg", "empty");
    }
    try (MetricsLog log = MetricsLog.open(run, 2)) {
      assertThat(log.skipped()).containsExactly(Map.entry("a.jpg", "truncated"));
    }
  }

  @Test
  void theEventFileHoldsValidRecordsOfTheKeptSteps() throws IOException {
    try (MetricsLog log = MetricsLog.open(run, 0)) {
      log.add(1, Map.of("loss", 0.25));
      log.add(2, Map.of("loss", 0.5));
    }
    MetricsLog.open(run, 1).close();
    List<byte[]> records = records(run.resolve("events.out.tfevents.0000000000.wisp"));
    assertThat(records).hasSize(2);
    assertThat(new String(records.get(0), StandardCharsets.ISO_8859_1)).contains("brain.Event:2");
    ByteBuffer event = ByteBuffer.wrap(records.get(1)).order(ByteOrder.LITTLE_ENDIAN);
    // wall time: field 1, 64 bits; step: field 2, varint; summary: field 5
    assertThat(event.get()).isEqualTo((byte) 0x09);
    event.getDouble();
    assertThat(event.get()).isEqualTo((byte) 0x10);
    assertThat(event.get()).isEqualTo((byte) 1);
    assertThat(event.get()).isEqualTo((byte) 0x2A);
    assertThat(event.get()).isEqualTo((byte) event.remaining());
    assertThat(event.get()).isEqualTo((byte) 0x0A);
    assertThat(event.get()).isEqualTo((byte) event.remaining());
    assertThat(event.get()).isEqualTo((byte) 0x0A);
    byte[] tag = new byte[event.get()];
    event.get(tag);
    assertThat(new String(tag, StandardCharsets.UTF_8)).isEqualTo("loss");
    assertThat(event.get()).isEqualTo((byte) 0x15);
    assertThat(event.getFloat()).isEqualTo(0.25f);
    assertThat(event.hasRemaining()).isFalse();
  }

  @Test
  void theChecksumIsTheMaskedCastagnoliOne() {
    byte[] digits = "123456789".getBytes(StandardCharsets.US_ASCII);
    int crc = 0xE3069283;
    assertThat(EventFile.maskedCrc(digits, digits.length))
        .isEqualTo((crc >>> 15 | crc << 17) + 0xA282EAD8);
  }

  private static List<byte[]> records(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<byte[]> records = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] length = new byte[8];
      bytes.get(length);
      assertThat(bytes.getInt()).isEqualTo(EventFile.maskedCrc(length, 8));
      byte[] data =
          new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
      bytes.get(data);
      assertThat(bytes.getInt()).isEqualTo(EventFile.maskedCrc(data, data.length));
      records.add(data);
    }
    return records;
  }
}
