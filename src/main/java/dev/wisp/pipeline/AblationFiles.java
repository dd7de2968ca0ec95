package dev.wisp.pipeline;

import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** An ablation's files: for people, for a spreadsheet, and for {@link #read}. */
public final class AblationFiles {
  /** Name of the file that {@link #read} reads. */
  public static final String JSON = "ablation.json";

  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

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
          "data",
          "images",
          "miou",
          "best_factor",
          "best_miou",
          "miou_crf",
          "published_data",
          "published_miou",
          "published_miou_crf");

  private AblationFiles() {}

  static void write(Path folder, Ablation.Report report) {
    AtomicFiles.writeString(folder.resolve("ablation.md"), markdown(report));
    AtomicFiles.writeString(folder.resolve("ablation.csv"), csv(report));
    AtomicFiles.writeString(folder.resolve(JSON), MAPPER.writeValueAsString(report));
  }

  /**
   * Reads {@code ablation.json} of a folder.
   *
   * @throws dev.wisp.common.WispException if it is missing or damaged
   */
  public static Ablation.Report read(Path folder) {
    Path file = folder.resolve(JSON);
    try {
      return MAPPER.readValue(file.toFile(), Ablation.Report.class);
    } catch (JacksonException | IllegalArgumentException e) {
      throw FileErrors.of(file, "is no ablation's file: " + e.getMessage(), e);
    }
  }

  /** The paper's three tables, with the ablation's rows. */
  public static String markdown(Ablation.Report report) {
    List<ResultTable> tables = new ArrayList<>();
    tables.add(PaperTables.segmentation(Optional.empty()));
    tables.addAll(PaperTables.ablation(report));
    return tables.stream().map(ResultTable::markdown).collect(Collectors.joining());
  }

  private static String csv(Ablation.Report report) {
    StringBuilder text = new StringBuilder(String.join(",", COLUMNS)).append('\n');
    for (Ablation.Measured measured : report.rows()) {
      Ablation.Row row = measured.row();
      Optional<PublishedResults.Seeds> published = PublishedResults.seeds(row);
      text.append(
          String.format(
              Locale.ROOT,
              "%d,\"%s\",%s,\"%s\",%s,%s,%s,\"%s\",%d,%.6f,%s,%.6f,%.6f,\"%s\",%s,%s%n",
              row.table(),
              row.name(),
              row.feature(),
              row.sequence(),
              row.normalization(),
              weights(measured),
              row.backgroundFactor(),
              report.data().replace("\"", "\"\""),
              report.images(),
              measured.meanIou(),
              measured.bestFactor(),
              measured.bestMeanIou(),
              measured.crfMeanIou(),
              published.isPresent() ? PublishedResults.SEED_DATA : "",
              published.map(seeds -> fraction(seeds.train())).orElse(""),
              published.map(seeds -> fraction(seeds.crf())).orElse("")));
    }
    return text.toString();
  }

  private static String fraction(double percent) {
    return String.format(Locale.ROOT, "%.6f", percent / 100);
  }

  static String weights(Ablation.Measured measured) {
    return measured.retrained() ? "retrained" : "same weights";
  }
}
