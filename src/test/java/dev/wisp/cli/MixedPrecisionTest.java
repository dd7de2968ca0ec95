package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.TINY;
import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Training with a scaled loss on the cpu, whose convolutions stay float32. */
class MixedPrecisionTest {
  private static final String MIXED = "--set=training.precision=mixed";

  @TempDir static Path folder;
  private static Path data = Path.of("");
  private static Path encoder = Path.of("");

  @BeforeAll
  static void trainBoth() {
    data = CliSupport.dataset(folder.resolve("data"));
    Path pretrain = folder.resolve("pretrain");
    wisp(TINY, "pretrain", "--data=" + data, "--run=" + pretrain, "--threads=1").ok();
    encoder = pretrain.resolve("checkpoints/final.safetensors");
    train("plain", "cpu");
    train("mixed", "cpu", MIXED);
  }

  private static void train(String run, String device, String... more) {
    List<String> options = new ArrayList<>(TINY);
    options.addAll(List.of(more));
    wisp(
            options,
            "train",
            "--data=" + data,
            "--weights=" + encoder,
            "--run=" + folder.resolve(run),
            "--device=" + device,
            "--threads=1")
        .ok();
  }

  private static Path checkpoint(String run, String name) {
    return folder.resolve(run).resolve("checkpoints").resolve(name + ".safetensors");
  }

  private static Map<String, float[]> tensors(Path file) {
    Map<String, float[]> tensors = new LinkedHashMap<>();
    try (Safetensors in = Safetensors.open(file)) {
      for (String name : in.names()) {
        tensors.put(name, in.floats(name));
      }
    }
    return tensors;
  }

  private static List<JsonNode> metrics(String run) throws IOException {
    return Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl")).stream()
        .map(line -> JsonMapper.shared().readTree(line))
        .toList();
  }

  private static void assertSameWeights(String run, String other) {
    Map<String, float[]> expected = tensors(checkpoint(other, "final"));
    Map<String, float[]> weights = tensors(checkpoint(run, "final"));
    assertThat(weights.keySet()).isEqualTo(expected.keySet());
    weights.forEach((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
  }

  @Test
  void onTheCpuAScaledLossGivesTheSameBits() throws IOException {
    assertSameWeights("mixed", "plain");
    List<JsonNode> plain = metrics("plain");
    List<JsonNode> mixed = metrics("mixed");
    assertThat(mixed).hasSize(6).hasSameSizeAs(plain);
    for (int step = 0; step < mixed.size(); step++) {
      assertThat(mixed.get(step).get("gradientNorm"))
          .isEqualTo(plain.get(step).get("gradientNorm"));
      assertThat(mixed.get(step).get("lossScale").asDouble()).isEqualTo(65536);
      assertThat(plain.get(step).has("lossScale")).isFalse();
    }
  }

  @Test
  void aResumedRunEndsWithTheSameBitsAndTheSameScale() throws IOException {
    train("resumed", "cpu", MIXED);
    byte[] last = Files.readAllBytes(checkpoint("mixed", "step-0000000006"));
    assertThat(tensors(checkpoint("mixed", "step-0000000006")).get("lossScale"))
        .containsExactly(65536, 6);
    Files.delete(checkpoint("resumed", "step-0000000006"));
    Files.delete(checkpoint("resumed", "final"));
    train("resumed", "cpu", MIXED, "--resume");
    assertThat(Files.readAllBytes(checkpoint("resumed", "step-0000000006"))).isEqualTo(last);
    assertThat(Files.readAllBytes(checkpoint("resumed", "final")))
        .isEqualTo(Files.readAllBytes(checkpoint("mixed", "final")));
  }

  @Test
  void devicesThatShareABatchScaleItsLossAlike() {
    train("plain two", "cpu,cpu");
    train("mixed two", "cpu,cpu", MIXED);
    assertSameWeights("mixed two", "plain two");
  }
}
