package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.Image;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.CrfRefinement;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The paper's ablations on one dataset: Table 2, which adds one part of the method after the other,
 * and Table 3, which orders prototypes (PR), reactivation (IS) and refinement (PAMR) in five ways.
 */
public final class Ablation {
  private static final Logger LOG = LoggerFactory.getLogger(Ablation.class);
  private static final String BASELINE = "pr,is";

  /** Of the CSV file. */
  static final List<String> COLUMNS =
      List.of(
          "table",
          "row",
          "feature",
          "sequence",
          "normalization",
          "weights",
          "background_factor",
          "miou",
          "best_factor",
          "best_miou",
          "miou_crf");

  private static final String AFFINITY_ENHANCED = "pr,is,pamr,pr,is";

  private Ablation() {}

  /**
   * One row of a table.
   *
   * @param table 2 or 3, as in the paper
   * @param name what the row adds, or its sequence
   * @param feature what structure analysis compares in training
   * @param sequence of steps
   * @param normalization of the final maps: none, max or min-max
   * @param backgroundFactor multiplies the background's map when labels are made
   */
  public record Row(
      int table,
      String name,
      String feature,
      String sequence,
      String normalization,
      double backgroundFactor) {}

  /**
   * A measured row.
   *
   * @param retrained whether the row's own switches were trained, else the given weights were used
   * @param meanIou of the labels without CRF at the row's background factor, 0..1
   * @param bestFactor the background factor that scores best on the scored images themselves
   * @param bestMeanIou the score there: an upper bound, not a result
   * @param crfMeanIou of the labels at the row's background factor after the dense CRF
   */
  public record Measured(
      Row row,
      boolean retrained,
      double meanIou,
      float bestFactor,
      double bestMeanIou,
      double crfMeanIou) {}

  /**
   * Scores of one network.
   *
   * @param plain mIoU by background factor, of the sweep and of the rows
   * @param crf the same after the dense CRF, of the rows' factors alone
   */
  private record Scores(SortedMap<Float, Double> plain, SortedMap<Float, Double> crf) {}

  /**
   * What to do.
   *
   * @param out folder of the tables, and of the rows' runs when they are retrained
   * @param recipe the method's and the training's numbers; the rows change its switches
   * @param weights of a trained network, or of an encoder when rows are retrained
   * @param scored images with masks and labels
   * @param training images to retrain on, or empty to use one network for all rows
   */
  public record Request(
      Path out, Recipe recipe, Path weights, Dataset scored, Optional<Dataset> training) {}

  /**
   * What was measured.
   *
   * @param rows in the tables' order
   * @param skipped images that could not be scored, with the reason
   */
  public record Report(List<Measured> rows, Map<String, String> skipped) {}

  /** The rows of both tables; the normalisation added in Table 2 is the recipe's. */
  public static List<Row> rows(Recipe recipe) {
    Recipe.Method method = recipe.method();
    String normalization =
        method.normalization().equals("none") ? "min-max" : method.normalization();
    double factor = method.backgroundFactor();
    List<Row> rows = new ArrayList<>();
    rows.add(new Row(2, "baseline (SIPE)", "semantic", BASELINE, "none", 1));
    rows.add(new Row(2, "+ AE", "semantic", AFFINITY_ENHANCED, "none", 1));
    rows.add(new Row(2, "+ HF", "hierarchical", AFFINITY_ENHANCED, "none", 1));
    rows.add(new Row(2, "+ normalisation", "hierarchical", AFFINITY_ENHANCED, normalization, 1));
    rows.add(new Row(2, "+ rescaling", "hierarchical", AFFINITY_ENHANCED, normalization, factor));
    for (String sequence :
        List.of(
            BASELINE,
            "pr,is,pr,is",
            "pr,is,pr,is,pamr,pr,is",
            "pr,is,pamr,pr,is,pr,is",
            AFFINITY_ENHANCED)) {
      rows.add(new Row(3, sequence, "semantic", sequence, "none", 1));
    }
    return rows;
  }

  /**
   * Measures all rows, and writes {@code ablation.md} and {@code ablation.csv} to the output
   * folder. Rows that differ in nothing that was run are measured once.
   *
   * @throws WispException if no image can be scored or weights do not fit
   */
  public static Report run(Backend backend, Request request, Progress progress) {
    Models.requireClasses(request.weights(), request.scored());
    AtomicFiles.makeFolder(request.out());
    Map<String, String> skipped = new TreeMap<>();
    Map<String, Scores> scores = new LinkedHashMap<>();
    List<Row> rows = rows(request.recipe());
    List<Measured> measured = new ArrayList<>();
    for (Row row : rows) {
      boolean retrain = request.training().isPresent();
      String key = key(row, retrain);
      Scores found = scores.get(key);
      if (found == null) {
        LOG.info("ablation: table {}, row '{}'", row.table(), row.name());
        Recipe recipe =
            Recipes.with(
                request.recipe(),
                List.of(
                    "method.feature=" + row.feature(),
                    "method.sequence=" + row.sequence(),
                    "method.normalization=" + row.normalization()));
        Path weights =
            request
                .training()
                .map(data -> retrain(backend, request, recipe, data, key, progress))
                .orElse(request.weights());
        List<Float> factors =
            rows.stream()
                .filter(other -> key(other, retrain).equals(key))
                .map(other -> (float) other.backgroundFactor())
                .toList();
        found = score(backend, request.scored(), recipe, weights, factors, skipped, progress);
        scores.put(key, found);
      }
      measured.add(measured(row, retrain, found));
    }
    AtomicFiles.writeString(request.out().resolve("ablation.md"), markdown(measured));
    AtomicFiles.writeString(request.out().resolve("ablation.csv"), csv(measured));
    return new Report(List.copyOf(measured), skipped);
  }

  /**
   * What rows have in common that are measured together. Labelling compares the hierarchical
   * feature whatever training did, so only retrained rows differ by it.
   */
  private static String key(Row row, boolean retrain) {
    return row.sequence() + "/" + row.normalization() + (retrain ? "/" + row.feature() : "");
  }

  private static Measured measured(Row row, boolean retrained, Scores scores) {
    SortedMap<Float, Double> byFactor = scores.plain();
    Double score = byFactor.get((float) row.backgroundFactor());
    Double crf = scores.crf().get((float) row.backgroundFactor());
    if (score == null || crf == null) {
      throw new AssertionError("factor " + row.backgroundFactor() + " of " + row);
    }
    float best = byFactor.firstKey();
    double bestScore = Double.NEGATIVE_INFINITY;
    for (Map.Entry<Float, Double> each : byFactor.entrySet()) {
      if (each.getValue() > bestScore) {
        best = each.getKey();
        bestScore = each.getValue();
      }
    }
    return new Measured(row, retrained, score, best, bestScore, crf);
  }

  private static Path retrain(
      Backend backend,
      Request request,
      Recipe recipe,
      Dataset data,
      String key,
      Progress progress) {
    Path run = request.out().resolve(key.replace(',', '-').replace('/', '_'));
    return Training.run(
            List.of(backend),
            new Training.Request(
                run,
                recipe,
                Files.exists(run) ? RunDirectory.Existing.RESUME : RunDirectory.Existing.REFUSE,
                false,
                request.weights(),
                data,
                null,
                false),
            progress)
        .weights();
  }

  /** mIoU of one network's labels; its rows have these background factors. */
  private static Scores score(
      Backend backend,
      Dataset data,
      Recipe recipe,
      Path weights,
      List<Float> rowFactors,
      Map<String, String> skipped,
      Progress progress) {
    SortedMap<Float, Confusion> byFactor = new TreeMap<>();
    SortedMap<Float, Confusion> refined = new TreeMap<>();
    for (float factor : FactorSweep.FACTORS) {
      byFactor.put(factor, new Confusion(data.classCount() + 1));
    }
    for (float factor : rowFactors) {
      byFactor.putIfAbsent(factor, new Confusion(data.classCount() + 1));
      refined.putIfAbsent(factor, new Confusion(data.classCount() + 1));
    }
    List<Float> factors = List.copyOf(byFactor.keySet());
    int done = 0;
    progress.begin(
        recipe.method().sequence() + " " + recipe.method().normalization(),
        0,
        data.samples().size());
    try (AeSipeNet network = new AeSipeNet(backend, Models.method(recipe, data.classCount()))) {
      Weights.loadFrozen(network, weights);
      for (Sample sample : data.samples()) {
        try {
          byte[] truth = Evaluation.truth(data, sample).index();
          Image photograph = data.image(sample);
          PreparedImage image = PreparedImage.of(sample.id(), photograph, recipe.labelling());
          MapEnlarger maps =
              new MapEnlarger(
                  backend,
                  network.localize(image.scales(), sample.classes()),
                  image.height(),
                  image.width());
          Iterator<byte[]> labels = maps.labels(factors).iterator();
          for (float factor : factors) {
            byte[] label = labels.next();
            get(byFactor, factor).add(truth, label);
            if (refined.containsKey(factor)) {
              get(refined, factor).add(truth, refine(backend, photograph, label, sample));
            }
          }
        } catch (WispException unusable) {
          if (skipped.put(sample.id(), String.valueOf(unusable.getMessage())) == null) {
            LOG.warn("skipped: {}", unusable.getMessage());
          }
        }
        progress.advance(++done, "");
      }
    } finally {
      progress.end();
    }
    if (skipped.size() == data.samples().size()) {
      throw new WispException(
          "%s: none of its images can be scored; the first: %s"
              .formatted(data.name(), skipped.values().iterator().next()));
    }
    return new Scores(meanIou(byFactor), meanIou(refined));
  }

  private static Confusion get(SortedMap<Float, Confusion> confusions, float factor) {
    return Objects.requireNonNull(confusions.get(factor));
  }

  private static byte[] refine(Backend backend, Image image, byte[] label, Sample sample) {
    int[] ids = IntStream.concat(IntStream.of(0), IntStream.of(sample.classes())).toArray();
    return CrfRefinement.refine(
        backend, image, label, ids, CrfRefinement.CERTAINTY, CrfOptions.standard());
  }

  private static SortedMap<Float, Double> meanIou(SortedMap<Float, Confusion> confusions) {
    SortedMap<Float, Double> scores = new TreeMap<>();
    confusions.forEach(
        (factor, confusion) -> scores.put(factor, confusion.meanIou(Confusion.Convention.VOC)));
    return scores;
  }

  /** Both tables as Markdown, and what their columns mean. */
  public static String markdown(List<Measured> rows) {
    StringBuilder text = new StringBuilder();
    for (int table : List.of(2, 3)) {
      text.append(
          """
          ### Table %d

          | row | feature | sequence | normalisation | weights | background factor | mIoU | best mIoU | with CRF |
          |---|---|---|---|---|---|---|---|---|
          """
              .formatted(table));
      for (Measured measured : rows) {
        Row row = measured.row();
        if (row.table() == table) {
          text.append(
              String.format(
                  Locale.ROOT,
                  "| %s | %s | `%s` | %s | %s | %.2f | %.2f | %.2f at %.2f | %.2f |%n",
                  row.name(),
                  row.feature(),
                  row.sequence(),
                  row.normalization(),
                  weights(measured),
                  row.backgroundFactor(),
                  100 * measured.meanIou(),
                  100 * measured.bestMeanIou(),
                  measured.bestFactor(),
                  100 * measured.crfMeanIou()));
        }
      }
      text.append('\n');
    }
    text.append("mIoU in percent. Best mIoU: at ").append(FactorSweep.UPPER_BOUND).append(".\n");
    text.append(
        rows.stream().allMatch(Measured::retrained)
            ? "Each row was trained with its own switches from the same encoder and seed;"
                + " rows with the same switches share one training.\n"
            : "All rows label with the same weights; the feature acts in training only,"
                + " so rows that differ by it alone are equal.\n");
    return text.toString();
  }

  private static String csv(List<Measured> rows) {
    StringBuilder text = new StringBuilder(String.join(",", COLUMNS)).append('\n');
    for (Measured measured : rows) {
      Row row = measured.row();
      text.append(
          String.format(
              Locale.ROOT,
              "%d,\"%s\",%s,\"%s\",%s,%s,%s,%.6f,%s,%.6f,%.6f%n",
              row.table(),
              row.name(),
              row.feature(),
              row.sequence(),
              row.normalization(),
              weights(measured),
              row.backgroundFactor(),
              measured.meanIou(),
              measured.bestFactor(),
              measured.bestMeanIou(),
              measured.crfMeanIou()));
    }
    return text.toString();
  }

  private static String weights(Measured measured) {
    return measured.retrained() ? "retrained" : "same weights";
  }
}
