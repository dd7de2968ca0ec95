package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.io.AtomicFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The paper's ablations on one dataset: Table 2, which adds one part of the method after the other,
 * and Table 3, which orders prototypes (PR), reactivation (IS) and refinement (PAMR) in five ways.
 */
public final class Ablation {
  private static final Logger LOG = LoggerFactory.getLogger(Ablation.class);
  private static final String BASELINE = "pr,is";

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
   * @param data name of the scored dataset
   * @param images number of scored images
   * @param rows in the tables' order
   * @param skipped images that could not be scored, with the reason
   */
  public record Report(String data, int images, List<Measured> rows, Map<String, String> skipped) {
    public Report {
      rows = List.copyOf(rows);
    }
  }

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
   * Measures all rows, and writes {@code ablation.md}, {@code .csv} and {@code .json} to the output
   * folder. Rows that differ in nothing that was run are measured once.
   *
   * @throws WispException if no image can be scored or weights do not fit
   */
  public static Report run(Backend backend, Request request, Progress progress) {
    Models.requireClasses(request.weights(), request.scored());
    AtomicFiles.makeFolder(request.out());
    Map<String, String> skipped = new TreeMap<>();
    Map<String, LabelScoring> scores = new LinkedHashMap<>();
    List<Row> rows = rows(request.recipe());
    List<Measured> measured = new ArrayList<>();
    for (Row row : rows) {
      boolean retrain = request.training().isPresent();
      String key = key(row, retrain);
      LabelScoring found = scores.get(key);
      if (found == null) {
        LOG.info("ablation: table {}, row '{}'", row.table(), row.name());
        Recipe recipe =
            Recipes.with(
                request.recipe(),
                List.of(
                    "method.feature=" + row.feature(),
                    "method.sequence=" + row.sequence(),
                    "method.normalization=" + row.normalization(),
                    "method.growthLimit=0"));
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
        found =
            LabelScoring.run(
                backend, request.scored(), recipe, weights, factors, skipped, progress);
        scores.put(key, found);
      }
      measured.add(measured(row, retrain, found));
    }
    Dataset scored = request.scored();
    Report report =
        new Report(scored.title(), scored.samples().size() - skipped.size(), measured, skipped);
    AblationFiles.write(request.out(), report);
    return report;
  }

  /**
   * What rows have in common that are measured together. Labelling compares the hierarchical
   * feature whatever training did, so only retrained rows differ by it.
   */
  private static String key(Row row, boolean retrain) {
    return row.sequence() + "/" + row.normalization() + (retrain ? "/" + row.feature() : "");
  }

  private static Measured measured(Row row, boolean retrained, LabelScoring scores) {
    float factor = (float) row.backgroundFactor();
    float best = scores.bestFactor();
    return new Measured(
        row,
        retrained,
        scores.meanIou(factor),
        best,
        scores.meanIou(best),
        scores.crfMeanIou(factor));
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
}
