package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.data.synth.SynthDataset;
import dev.wisp.data.synth.SynthOptions;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import dev.wisp.io.FileTrees;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.pipeline.RunDirectory.Existing;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** The whole pipeline on synthetic images: draw, pretrain, train, label, score, show. */
public final class Demo {
  private static final Logger LOG = LoggerFactory.getLogger(Demo.class);
  private static final List<String> FOLDERS = List.of("data", "pretrain", "train", "out");
  private static final String SUMMARY = "summary.json";
  private static final String PICTURE = "picture.png";
  private static final int PICTURE_ROWS = 8;

  private Demo() {}

  /**
   * What to do.
   *
   * @param folder run folder
   * @param recipe the demo's
   * @param synth the images to draw
   * @param force whether to replace an earlier demo in the folder
   */
  public record Request(Path folder, Recipe recipe, SynthOptions synth, boolean force) {}

  /**
   * What came out.
   *
   * @param comparison scores of the maps after each stage
   * @param labelScore mIoU of the label files
   * @param seconds per stage, in order
   * @param picture the grid
   * @param summary all of it as JSON
   */
  public record Result(
      MapComparison.Scores comparison,
      double labelScore,
      Map<String, Double> seconds,
      long peakMemoryMb,
      Path picture,
      Path summary) {}

  /**
   * Runs everything.
   *
   * @throws WispException if the folder holds a demo already and {@code force} is not set
   */
  public static Result run(Backend backend, Request request, Progress progress) {
    Path folder = request.folder();
    claim(request);
    Recipe recipe = request.recipe();
    Stopwatch watch = new Stopwatch();
    SynthDataset.write(request.synth(), folder.resolve("data"));
    watch.lap("synth");
    Dataset train = Datasets.open(folder.resolve("data"), "train");
    Dataset scored = Datasets.open(folder.resolve("data"), "val");
    Path encoder =
        Pretraining.run(
                backend,
                new Pretraining.Request(
                    folder.resolve("pretrain"), recipe, Existing.REFUSE, false, train, null),
                progress)
            .weights();
    watch.lap("pretrain");
    Path weights =
        Training.run(
                List.of(backend),
                new Training.Request(
                    folder.resolve("train"),
                    recipe,
                    Existing.REFUSE,
                    false,
                    encoder,
                    train,
                    null,
                    false),
                progress)
            .weights();
    watch.lap("train");
    MapComparison comparison = new MapComparison(scored, PICTURE_ROWS);
    Labelling.run(
        backend,
        new Labelling.Request(weights, folder.resolve("out"), recipe, scored, true),
        progress,
        comparison);
    watch.lap("label");
    float factor = (float) recipe.method().backgroundFactor();
    MapComparison.Scores scores = comparison.scores(factor, recipe.seed());
    Evaluation.Report report = Evaluation.labels(scored, folder.resolve("out/labels"), progress);
    double labelScore = report.confusion().meanIou(Confusion.Convention.VOC);
    Image picture = comparison.picture(factor);
    ImageCodec.writePng(folder.resolve(PICTURE), picture);
    watch.lap("eval");
    Result result =
        new Result(
            scores,
            labelScore,
            watch.laps(),
            ProcessMemory.peakMb(),
            folder.resolve(PICTURE),
            folder.resolve(SUMMARY));
    AtomicFiles.writeString(result.summary(), json(backend, request, result));
    LOG.debug("summary in {}", result.summary());
    return result;
  }

  private static void claim(Request request) {
    AtomicFiles.makeFolder(request.folder());
    for (String name : FOLDERS) {
      Path path = request.folder().resolve(name);
      if (Files.exists(path)) {
        if (!request.force()) {
          throw FileErrors.of(
              request.folder(), "holds a demo already; replace it with --force or name another");
        }
        FileTrees.delete(path);
      }
    }
  }

  private static String json(Backend backend, Request request, Result result) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("device", backend.describe());
    summary.put("images", request.synth());
    summary.put("seed", request.recipe().seed());
    summary.put("scores", result.comparison());
    summary.put("bestFactor", FactorSweep.UPPER_BOUND);
    summary.put("labels", Map.of("miou", result.labelScore()));
    summary.put("seconds", result.seconds());
    summary.put("secondsInAll", result.seconds().values().stream().mapToDouble(v -> v).sum());
    summary.put("peakMemoryMb", result.peakMemoryMb());
    return JsonMapper.builder()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .build()
        .writeValueAsString(summary);
  }

  /** Seconds between laps. */
  private static final class Stopwatch {
    private final Map<String, Double> laps = new LinkedHashMap<>();
    private long began = System.nanoTime();

    void lap(String name) {
      long now = System.nanoTime();
      double seconds = (now - began) * 1e-9;
      laps.put(name, Math.round(seconds * 10) / 10.0);
      LOG.info("{}: {} s", name, laps.get(name));
      began = now;
    }

    Map<String, Double> laps() {
      return laps;
    }
  }
}
