package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.wisp.backend.Backend;
import dev.wisp.backend.HalfPrecisionBackend;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.data.synth.SynthDataset;
import dev.wisp.data.synth.SynthOptions;
import dev.wisp.pipeline.Bootstrap.Interval;
import dev.wisp.pipeline.RunDirectory.Existing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Trainings in float32 and in mixed precision from one encoder on the same images: the cpu, with
 * convolutions rounded to float16 as tensor cores do it.
 */
class MixedTrainingTest {
  private static final String SEEDS = "wisp.mixed.seeds";

  @TempDir Path folder;

  /** Metrics of every step and the score of the maps, labelled in float32. */
  private record Trained(List<JsonNode> metrics, MapComparison.StageScore score) {
    Interval miou() {
      return score.miou();
    }

    /** Mean loss of the last quarter of the steps. */
    double loss() {
      return metrics.stream()
          .skip(3L * metrics.size() / 4)
          .mapToDouble(step -> step.get("loss").asDouble())
          .average()
          .orElseThrow();
    }
  }

  /** Float32, then mixed. */
  private List<Trained> both(SynthOptions synth, List<String> settings) throws IOException {
    Path data = folder.resolve("data" + synth.seed());
    SynthDataset.write(synth, data);
    Dataset train = Datasets.open(data, "train");
    Dataset scored = Datasets.open(data, "val");
    List<Trained> results = new ArrayList<>();
    try (Backend backend = new HalfPrecisionBackend(Devices.open("cpu", 0))) {
      Path encoder =
          Pretraining.run(
                  backend,
                  new Pretraining.Request(
                      folder.resolve("pretrain" + synth.seed()),
                      Recipes.load("demo", settings),
                      Existing.REFUSE,
                      false,
                      train,
                      null),
                  Progress.NONE)
              .weights();
      for (String precision : List.of("float32", "mixed")) {
        List<String> all = new ArrayList<>(settings);
        all.add("training.precision=" + precision);
        results.add(train(backend, Recipes.load("demo", all), encoder, train, scored));
      }
    }
    return results;
  }

  private Trained train(Backend backend, Recipe recipe, Path encoder, Dataset train, Dataset scored)
      throws IOException {
    Path run = folder.resolve(recipe.training().precision() + recipe.seed());
    Path weights =
        Training.run(
                List.of(backend),
                new Training.Request(
                    run, recipe, Existing.REFUSE, false, encoder, train, null, false),
                Progress.NONE)
            .weights();
    MapComparison comparison = new MapComparison(scored, 0);
    Labelling.run(
        backend,
        new Labelling.Request(weights, run.resolve("labels"), recipe, scored, false),
        Progress.NONE,
        comparison);
    float factor = (float) recipe.method().backgroundFactor();
    MapComparison.StageScore score =
        comparison.scores(factor, recipe.seed()).stages().get(MapComparison.AE_IS_CAM);
    if (score == null) {
      throw new AssertionError("no score");
    }
    return new Trained(
        Files.readAllLines(run.resolve("metrics.jsonl")).stream()
            .map(line -> JsonMapper.shared().readTree(line))
            .toList(),
        score);
  }

  @Test
  void mixedPrecisionTrainsASmallNetworkToTheSameLossAndScore() throws IOException {
    List<Trained> results =
        both(
            new SynthOptions(64, 48, 16, 5, 15),
            List.of(
                "training.epochs=2",
                "training.batch=8",
                "training.crop=64",
                "training.longSideLow=56",
                "training.longSideHigh=72",
                "pretraining.epochs=8",
                "pretraining.batch=8",
                "pretraining.crop=64",
                "pretraining.longSideLow=56",
                "pretraining.longSideHigh=72"));
    Trained exact = results.getFirst();
    Trained mixed = results.getLast();
    assertThat(mixed.metrics()).hasSize(12).hasSameSizeAs(exact.metrics());
    assertThat(mixed.metrics()).allMatch(step -> step.has("gradientNorm"));
    assertThat(mixed.loss()).isNotEqualTo(exact.loss());
    assertThat(mixed.loss()).isCloseTo(exact.loss(), withinPercentage(2));
    assertThat(mixed.miou().value()).isBetween(exact.miou().low(), exact.miou().high());
  }

  /** The demo itself, minutes a seed: {@code -Dwisp.mixed.seeds=15,16,17}. Prints the figures. */
  @Test
  @EnabledIfSystemProperty(named = SEEDS, matches = "[0-9,]+")
  void mixedPrecisionTrainsTheDemoToTheSameScore() throws IOException {
    for (String seed : System.getProperty(SEEDS, "").split(",")) {
      SynthOptions demo = SynthOptions.demo();
      List<Trained> results =
          both(
              new SynthOptions(
                  demo.size(), demo.train(), demo.scored(), demo.classes(), Long.parseLong(seed)),
              List.of("seed=" + seed));
      Trained exact = results.getFirst();
      Trained mixed = results.getLast();
      long skipped = mixed.metrics().stream().filter(step -> !step.has("gradientNorm")).count();
      System.out.printf(
          "mixed, seed %s: loss %.4f and %.4f, mIoU %s and %s, %d of %d steps left out%n",
          seed,
          exact.loss(),
          mixed.loss(),
          exact.miou(),
          mixed.miou(),
          skipped,
          mixed.metrics().size());
      assertThat(mixed.miou().value()).isBetween(exact.miou().low(), exact.miou().high());
    }
  }
}
