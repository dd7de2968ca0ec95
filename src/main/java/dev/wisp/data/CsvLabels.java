package dev.wisp.data;

import dev.wisp.io.FileErrors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Image-level labels from a {@code labels.csv}: a header {@code image,labels}, then an image's name
 * (with or without ending) and its classes with {@code ;} between them. Fields may be quoted ("").
 */
public final class CsvLabels implements ImageLabels {
  private final Path file;
  private final List<String> classNames;
  private final Map<String, Row> rows;
  private final Map<String, int[]> classes;

  /** One image's row. */
  record Row(int line, String image, List<String> labels) {}

  private CsvLabels(
      Path file, List<String> classNames, Map<String, Row> rows, Map<String, int[]> classes) {
    this.file = file;
    this.classNames = classNames;
    this.rows = rows;
    this.classes = classes;
  }

  /**
   * Reads a file.
   *
   * @param classNames the foreground classes, or null to take those of the file in alphabetic order
   * @throws dev.wisp.common.WispException naming file and line for a malformed row, an image listed
   *     twice or a class that is not among the names
   */
  public static CsvLabels read(Path file, @Nullable List<String> classNames) {
    Map<String, Row> rows = rows(file);
    TreeSet<String> found = new TreeSet<>();
    rows.values().forEach(row -> found.addAll(row.labels()));
    List<String> names = classNames == null ? List.copyOf(found) : classNames;
    Map<String, int[]> classes = new LinkedHashMap<>();
    for (Map.Entry<String, Row> entry : rows.entrySet()) {
      Row row = entry.getValue();
      TreeSet<Integer> ids = new TreeSet<>();
      for (String label : row.labels()) {
        int id = names.indexOf(label) + 1;
        if (id == 0) {
          throw TextLines.problem(file, row.line(), "unknown class '" + label + "'");
        }
        ids.add(id);
      }
      classes.put(entry.getKey(), ImageLabels.ids(ids));
    }
    return new CsvLabels(file, names, rows, classes);
  }

  private static Map<String, Row> rows(Path file) {
    Map<String, Row> rows = new LinkedHashMap<>();
    boolean header = true;
    for (CsvText.Record record : CsvText.parse(file)) {
      List<String> fields = record.fields();
      if (header) {
        header = false;
        if (!fields.equals(List.of("image", "labels"))) {
          throw TextLines.problem(file, record.line(), "the first line must be image,labels");
        }
        continue;
      }
      if (fields.size() != 2 || fields.getFirst().isEmpty()) {
        throw TextLines.problem(
            file,
            record.line(),
            "expected an image and its labels, found "
                + fields.size()
                + " fields (put ; between labels)");
      }
      List<String> labels = new ArrayList<>();
      for (String label : fields.get(1).split(";")) {
        if (!label.isBlank()) {
          labels.add(label.strip());
        }
      }
      String image = fields.getFirst();
      Row row = new Row(record.line(), image, labels);
      if (rows.put(ImageList.stem(image), row) != null) {
        throw TextLines.problem(file, record.line(), "the image '" + image + "' is listed twice");
      }
    }
    if (header) {
      throw FileErrors.of(file, "empty: the first line must be image,labels");
    }
    return rows;
  }

  /** The foreground classes. */
  public List<String> classNames() {
    return classNames;
  }

  /** The rows by image name without ending, in the file's order. */
  Map<String, Row> rows() {
    return rows;
  }

  @Override
  public int @Nullable [] of(String id) {
    int[] known = classes.get(id);
    return known == null ? null : known.clone();
  }

  @Override
  public String source() {
    return file.toString();
  }
}
