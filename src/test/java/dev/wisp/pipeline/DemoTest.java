package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.synth.SynthOptions;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DemoTest {
  @TempDir Path folder;

  @Test
  void theWholePipelineRunsAndItsScoresAgreeWithItsFiles() {
    Recipe recipe =
        Recipes.load(
            "demo",
            List.of(
                "training.epochs=1",
                "training.batch=4",
                "training.crop=48",
                "training.longSideLow=40",
                "training.longSideHigh=56",
                "pretraining.epochs=2",
                "pretraining.batch=4",
                "pretraining.crop=48",
                "pretraining.longSideLow=40",
                "pretraining.longSideHigh=56"));
    SynthOptions synth = new SynthOptions(48, 8, 5, 5, recipe.seed());
    Demo.Request request = new Demo.Request(folder, recipe, synth, false);
    Demo.Result result;
    try (Backend backend = Devices.open("cpu", 1)) {
      result = Demo.run(backend, request, Progress.NONE);
      assertThatThrownBy(() -> Demo.run(backend, request, Progress.NONE))
          .isInstanceOf(WispException.class)
          .hasMessageContaining("--force");
    }
    assertThat(result.comparison().images()).isEqualTo(5);
    assertThat(result.comparison().stages().keySet()).containsExactly("CAM", "IS-CAM", "AE-IS-CAM");
    // The label files come from the same maps as the comparison's last stage.
    assertThat(stage(result, "AE-IS-CAM").miou().value())
        .isCloseTo(result.labelScore(), within(1e-12));
    result
        .comparison()
        .stages()
        .forEach(
            (name, score) ->
                assertThat(score.bestMiou().value())
                    .as(name)
                    .isGreaterThanOrEqualTo(score.miou().value()));
    Image picture = ImageCodec.decode(result.picture());
    assertThat(picture.width()).isGreaterThan(6 * 128);
    JsonNode summary = JsonMapper.shared().readTree(result.summary().toFile());
    assertThat(
            summary.path("scores").path("stages").path("CAM").path("miou").path("value").asDouble())
        .isEqualTo(stage(result, "CAM").miou().value());
    assertThat(summary.path("peakMemoryMb").asLong()).isPositive();
    assertThat(summary.path("secondsInAll").asDouble()).isPositive();
  }

  private static MapComparison.StageScore stage(Demo.Result result, String name) {
    MapComparison.StageScore score = result.comparison().stages().get(name);
    if (score == null) {
      throw new AssertionError("no stage " + name);
    }
    return score;
  }
}
