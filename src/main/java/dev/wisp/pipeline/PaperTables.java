package dev.wisp.pipeline;

import dev.wisp.pipeline.ResultTable.Column;
import dev.wisp.pipeline.ResultTable.Origin;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The paper's Tables 1 to 3 with what the paper prints beside what was measured here. Every column
 * of figures says which data it comes from.
 */
public final class PaperTables {
  private static final String NONE = "-";

  private PaperTables() {}

  /**
   * What one run says about one row of the tables: scores of its labels.
   *
   * @param data name of the scored dataset
   * @param images number of scored images
   * @param method the switches that made the labels; decide which row it is
   * @param meanIou of the labels, 0..1
   * @param crfMeanIou of the labels after the dense CRF, if there are any
   */
  public record Labels(
      String data, int images, Recipe.Method method, double meanIou, OptionalDouble crfMeanIou) {}

  /**
   * Score of a segmentation network's predictions.
   *
   * @param data name of the scored dataset
   * @param images number of scored images
   * @param network what predicted
   * @param meanIou 0..1
   */
  public record Prediction(String data, int images, String network, double meanIou) {}

  /** Table 1, with a run's predictions if it has any. */
  public static ResultTable segmentation(Optional<Prediction> measured) {
    List<Column> columns = new ArrayList<>();
    columns.add(new Column("model", Origin.ROW));
    columns.add(new Column("venue", Origin.ROW));
    columns.add(new Column("backbone", Origin.ROW));
    columns.add(published(PublishedResults.SEGMENTATION_DATA + " val, mIoU"));
    columns.add(published(PublishedResults.SEGMENTATION_DATA + " test, mIoU"));
    measured.ifPresent(one -> columns.add(measured(one.data(), one.images(), "mIoU")));
    List<List<String>> rows = new ArrayList<>();
    for (PublishedResults.Segmentation row : PublishedResults.SEGMENTATION) {
      List<String> cells =
          new ArrayList<>(
              List.of(row.model(), row.venue(), row.backbone(), one(row.val()), one(row.test())));
      measured.ifPresent(some -> cells.add(NONE));
      rows.add(cells);
    }
    measured.ifPresent(
        some ->
            rows.add(
                List.of("this run", NONE, some.network(), NONE, NONE, percent(some.meanIou()))));
    List<String> notes = new ArrayList<>(List.of(sources()));
    if (measured.isEmpty()) {
      notes.add("Not measured here: this table needs the predictions of a segmentation network.");
    }
    return new ResultTable(
        "Table 1: segmentation networks trained on pseudo-labels", columns, rows, notes);
  }

  /** Tables 2 and 3 with the rows of an ablation. */
  public static List<ResultTable> ablation(Ablation.Report report) {
    List<ResultTable> tables = new ArrayList<>();
    for (int table : List.of(2, 3)) {
      List<Column> columns = new ArrayList<>(switches());
      columns.add(new Column("weights", Origin.ROW));
      columns.addAll(publishedSeeds());
      columns.add(measured(report.data(), report.images(), "mIoU"));
      columns.add(measured(report.data(), report.images(), "best mIoU"));
      columns.add(measured(report.data(), report.images(), "mIoU with CRF"));
      List<List<String>> rows = new ArrayList<>();
      for (Ablation.Measured measured : report.rows()) {
        if (measured.row().table() == table) {
          List<String> cells = new ArrayList<>(switches(measured.row()));
          cells.add(AblationFiles.weights(measured));
          cells.addAll(publishedSeeds(measured.row()));
          cells.add(percent(measured.meanIou()));
          cells.add(
              String.format(
                  Locale.ROOT,
                  "%.2f at %.2f",
                  100 * measured.bestMeanIou(),
                  measured.bestFactor()));
          cells.add(percent(measured.crfMeanIou()));
          rows.add(cells);
        }
      }
      tables.add(new ResultTable(title(table), columns, rows, notes(report)));
    }
    return tables;
  }

  private static List<String> notes(Ablation.Report report) {
    return List.of(
        "mIoU in percent. Best mIoU: at " + FactorSweep.UPPER_BOUND + ".",
        report.rows().stream().allMatch(Ablation.Measured::retrained)
            ? "Each row was trained with its own switches from the same encoder and seed;"
                + " rows with the same switches share one training."
            : "All rows label with the same weights; the feature acts in training only,"
                + " so rows that differ by it alone are equal.",
        sources());
  }

  /**
   * Tables 2 and 3 with a run's labels in the rows whose switches made them.
   *
   * @param recipe decides the normalisation and the factor of Table 2's last rows
   */
  public static List<ResultTable> seeds(Recipe recipe, Optional<Labels> labels) {
    List<ResultTable> tables = new ArrayList<>();
    for (int table : List.of(2, 3)) {
      List<Column> columns = new ArrayList<>(switches());
      columns.addAll(publishedSeeds());
      labels.ifPresent(
          run -> {
            columns.add(measured(run.data(), run.images(), "mIoU"));
            columns.add(measured(run.data(), run.images(), "mIoU with CRF"));
          });
      List<List<String>> rows = new ArrayList<>();
      for (Ablation.Row row : Ablation.rows(recipe)) {
        if (row.table() == table) {
          List<String> cells = new ArrayList<>(switches(row));
          cells.addAll(publishedSeeds(row));
          labels.ifPresent(run -> cells.addAll(measured(row, run)));
          rows.add(cells);
        }
      }
      tables.add(
          new ResultTable(
              title(table),
              columns,
              rows,
              List.of(
                  sources(),
                  "This run measures the row whose switches it used; all rows: wisp ablate.")));
    }
    return tables;
  }

  private static List<String> measured(Ablation.Row row, Labels run) {
    Recipe.Method method = run.method();
    boolean same =
        row.feature().equals(method.feature())
            && row.sequence().equals(method.sequence())
            && row.normalization().equals(method.normalization())
            && row.backgroundFactor() == method.backgroundFactor()
            && method.growthLimit() == 0;
    if (!same) {
      return List.of(NONE, NONE);
    }
    OptionalDouble crf = run.crfMeanIou();
    return List.of(percent(run.meanIou()), crf.isPresent() ? percent(crf.getAsDouble()) : NONE);
  }

  private static String title(int table) {
    return table == 2
        ? "Table 2: one part of the method after the other"
        : "Table 3: orders of prototypes (pr), reactivation (is) and refinement (pamr)";
  }

  private static List<Column> switches() {
    return List.of(
        new Column("row", Origin.ROW),
        new Column("feature", Origin.ROW),
        new Column("sequence", Origin.NOTATION),
        new Column("normalisation", Origin.ROW),
        new Column("background factor", Origin.ROW));
  }

  private static List<String> switches(Ablation.Row row) {
    return List.of(
        row.name(),
        row.feature(),
        row.sequence(),
        row.normalization(),
        String.format(Locale.ROOT, "%.2f", row.backgroundFactor()));
  }

  private static List<Column> publishedSeeds() {
    return List.of(
        published(PublishedResults.SEED_DATA + ", mIoU"),
        published(PublishedResults.SEED_DATA + ", mIoU with CRF"));
  }

  private static List<String> publishedSeeds(Ablation.Row row) {
    return PublishedResults.seeds(row)
        .map(seeds -> List.of(one(seeds.train()), one(seeds.crf())))
        .orElse(List.of(NONE, NONE));
  }

  private static Column published(String what) {
    return new Column("published: " + what, Origin.PUBLISHED);
  }

  private static Column measured(String data, int images, String what) {
    return new Column("measured: %s, %d images, %s".formatted(data, images, what), Origin.MEASURED);
  }

  private static String sources() {
    return "Published: "
        + PublishedResults.SOURCE
        + ". Measured columns name their data: figures of different data do not compare.";
  }

  private static String one(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  private static String percent(double value) {
    return Double.isNaN(value) ? NONE : String.format(Locale.ROOT, "%.2f", 100 * value);
  }
}
