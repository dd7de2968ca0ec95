package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.io.AtomicFiles;
import dev.wisp.pipeline.ResultTable.Column;
import dev.wisp.pipeline.ResultTable.Origin;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the growth limit does against the paper's open problem (method.md section 6): affinity
 * enhancement, once and repeated, labels the same images with the same weights at several limits.
 */
public final class GrowthStudy {
  private static final Logger LOG = LoggerFactory.getLogger(GrowthStudy.class);

  /** Without PAMR, the method, and affinity enhancement twice. */
  private static final List<String> SEQUENCES =
      List.of("pr,is", "pr,is,pamr,pr,is", "pr,is,pamr,pr,is,pamr,pr,is");

  /** Of the CSV file. */
  static final List<String> COLUMNS =
      List.of(
          "sequence",
          "growth_limit",
          "normalization",
          "background_factor",
          "miou",
          "difference",
          "difference_low",
          "difference_high",
          "wrong_class",
          "missed",
          "best_factor",
          "best_miou",
          "miou_crf");

  private GrowthStudy() {}

  /**
   * What to do.
   *
   * @param out folder of {@code growth.md} and {@code growth.csv}
   * @param recipe the method's numbers; the rows change its sequence and limit
   * @param weights of a trained network
   * @param scored images with masks and labels
   * @param limits besides 0, which is always measured
   * @throws WispException if a limit is out of range
   */
  public record Request(
      Path out, Recipe recipe, Path weights, Dataset scored, List<Double> limits) {
    public Request {
      limits = List.copyOf(limits);
      // A limit out of range is told before anything is measured.
      limits.forEach(limit -> Recipes.with(recipe, List.of("method.growthLimit=" + limit)));
    }
  }

  /**
   * A measured row; scores are 0..1.
   *
   * @param limit 0 for none
   * @param difference mIoU minus that of the same sequence without limit, with its paired 95 %
   *     bootstrap interval over the images
   * @param wrongClass share of the object pixels that are labelled as another class's object
   * @param missed share of the object pixels that are labelled as background
   * @param bestFactor the background factor that scores best on the scored images themselves
   */
  public record Row(
      String sequence,
      double limit,
      String normalization,
      double backgroundFactor,
      double meanIou,
      Bootstrap.Interval difference,
      double wrongClass,
      double missed,
      float bestFactor,
      double bestMeanIou,
      double crfMeanIou) {}

  /**
   * What was measured.
   *
   * @param data name of the scored dataset
   * @param images number of scored images
   * @param rows sequence by sequence, limits ascending
   * @param skipped images that could not be scored, with the reason
   */
  public record Report(String data, int images, List<Row> rows, Map<String, String> skipped) {
    public Report {
      rows = List.copyOf(rows);
    }
  }

  /**
   * Measures all rows and writes {@code growth.md} and {@code growth.csv}.
   *
   * @throws WispException if no image can be scored, or weights do not fit
   */
  public static Report run(Backend backend, Request request, Progress progress) {
    Models.requireClasses(request.weights(), request.scored());
    AtomicFiles.makeFolder(request.out());
    Map<String, String> skipped = new TreeMap<>();
    List<Row> rows = new ArrayList<>();
    List<Recipe> recipes = recipes(request);
    float factor = (float) request.recipe().method().backgroundFactor();
    List<Confusion> unlimited = List.of();
    for (Recipe recipe : recipes) {
      LOG.info("growth limit {} of {}", recipe.method().growthLimit(), recipe.method().sequence());
      LabelScoring scores =
          LabelScoring.run(
              backend,
              request.scored(),
              recipe,
              request.weights(),
              List.of(factor),
              skipped,
              progress);
      if (recipe.method().growthLimit() == 0) {
        unlimited = scores.images(factor);
      }
      rows.add(row(recipe, scores, unlimited));
    }
    Dataset scored = request.scored();
    Report report =
        new Report(scored.title(), scored.samples().size() - skipped.size(), rows, skipped);
    AtomicFiles.writeString(request.out().resolve("growth.md"), table(report).markdown());
    AtomicFiles.writeString(request.out().resolve("growth.csv"), csv(rows));
    return report;
  }

  private static List<Recipe> recipes(Request request) {
    List<Recipe> recipes = new ArrayList<>();
    for (String sequence : SEQUENCES) {
      List<Double> limits = new ArrayList<>(List.of(0.0));
      if (sequence.contains("pamr")) {
        request.limits().stream().filter(l -> l != 0).distinct().sorted().forEach(limits::add);
      }
      for (double limit : limits) {
        recipes.add(
            Recipes.with(
                request.recipe(),
                List.of("method.sequence=" + sequence, "method.growthLimit=" + limit)));
      }
    }
    return recipes;
  }

  private static Row row(Recipe recipe, LabelScoring scores, List<Confusion> unlimited) {
    Recipe.Method method = recipe.method();
    float factor = (float) method.backgroundFactor();
    Confusion counts = scores.counts(factor);
    long object = 0;
    long wrong = 0;
    long missed = 0;
    for (int truth = 1; truth < counts.classes(); truth++) {
      for (int label = 0; label <= counts.classes(); label++) {
        long pixels = counts.count(truth, label);
        object += pixels;
        wrong += label != 0 && label != truth ? pixels : 0;
        missed += label == 0 ? pixels : 0;
      }
    }
    return new Row(
        method.sequence(),
        method.growthLimit(),
        method.normalization(),
        method.backgroundFactor(),
        scores.meanIou(factor),
        Bootstrap.difference(scores.images(factor), unlimited, recipe.seed()),
        (double) wrong / object,
        (double) missed / object,
        scores.bestFactor(),
        scores.meanIou(scores.bestFactor()),
        scores.crfMeanIou(factor));
  }

  /** The rows for people, and what the columns mean. */
  public static ResultTable table(Report report) {
    String measured = "%s, %d images, ".formatted(report.data(), report.images());
    Row first = report.rows().getFirst();
    return new ResultTable(
        "Growth limit",
        List.of(
            new Column("sequence", Origin.NOTATION),
            new Column("growth limit", Origin.ROW),
            new Column(measured + "mIoU", Origin.MEASURED),
            new Column("against no limit", Origin.MEASURED),
            new Column("wrong class", Origin.MEASURED),
            new Column("missed", Origin.MEASURED),
            new Column("best mIoU", Origin.MEASURED),
            new Column("mIoU with CRF", Origin.MEASURED)),
        report.rows().stream().map(GrowthStudy::cells).toList(),
        List.of(
            "mIoU in percent, the same weights in all rows, normalisation %s, background factor %s."
                .formatted(first.normalization(), first.backgroundFactor()),
            "Against no limit: the paired difference with its 95 % bootstrap interval over the"
                + " images. Wrong class, missed: percent of the objects' pixels labelled as another"
                + " class, as background. Best mIoU: at "
                + FactorSweep.UPPER_BOUND
                + "."));
  }

  private static List<String> cells(Row row) {
    return List.of(
        row.sequence(),
        row.limit() == 0 ? "none" : Double.toString(row.limit()),
        percent(row.meanIou()),
        row.limit() == 0 ? "-" : interval(row.difference()),
        percent(row.wrongClass()),
        percent(row.missed()),
        String.format(Locale.ROOT, "%.2f at %.2f", 100 * row.bestMeanIou(), row.bestFactor()),
        percent(row.crfMeanIou()));
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f", 100 * share);
  }

  private static String interval(Bootstrap.Interval interval) {
    return String.format(
        Locale.ROOT,
        "%+.2f [%+.2f, %+.2f]",
        100 * interval.value(),
        100 * interval.low(),
        100 * interval.high());
  }

  private static String csv(List<Row> rows) {
    StringBuilder text = new StringBuilder(String.join(",", COLUMNS)).append('\n');
    for (Row row : rows) {
      text.append(
          String.format(
              Locale.ROOT,
              "\"%s\",%s,%s,%s,%.6f,%.6f,%.6f,%.6f,%.6f,%.6f,%s,%.6f,%.6f%n",
              row.sequence(),
              row.limit(),
              row.normalization(),
              row.backgroundFactor(),
              row.meanIou(),
              row.difference().value(),
              row.difference().low(),
              row.difference().high(),
              row.wrongClass(),
              row.missed(),
              row.bestFactor(),
              row.bestMeanIou(),
              row.crfMeanIou()));
    }
    return text.toString();
  }
}
