package dev.wisp.pipeline;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A table for people, ready to be printed.
 *
 * @param title its heading
 * @param columns their headings
 * @param rows cells, as many as columns in each
 * @param notes sentences below it
 */
public record ResultTable(
    String title, List<Column> columns, List<List<String>> rows, List<String> notes) {
  /** Copies the lists and checks the rows' lengths. */
  public ResultTable {
    columns = List.copyOf(columns);
    rows = rows.stream().map(List::copyOf).toList();
    notes = List.copyOf(notes);
    for (List<String> row : rows) {
      if (row.size() != columns.size()) {
        throw new IllegalArgumentException(
            "%s: a row of %d cells under %d columns".formatted(title, row.size(), columns.size()));
      }
    }
  }

  /** Where a column's values come from. */
  public enum Origin {
    /** They say what a row is. */
    ROW,
    /** The same, in the method's notation. */
    NOTATION,
    /** Printed in a paper. */
    PUBLISHED,
    /** Measured by this program. */
    MEASURED
  }

  /** A column: its heading, and where its values come from. */
  public record Column(String heading, Origin origin) {}

  /** The table in Markdown. */
  public String markdown() {
    StringBuilder text = new StringBuilder("### ").append(title).append("\n\n");
    text.append(line(columns.stream().map(column -> escaped(column.heading())).toList()));
    text.append("|---".repeat(columns.size())).append("|\n");
    for (List<String> row : rows) {
      text.append(
          line(
              IntStream.range(0, row.size())
                  .mapToObj(i -> cell(columns.get(i), row.get(i)))
                  .toList()));
    }
    notes.forEach(note -> text.append('\n').append(note).append('\n'));
    return text.append('\n').toString();
  }

  private static String line(List<String> cells) {
    return cells.stream().collect(Collectors.joining(" | ", "| ", " |\n"));
  }

  private static String cell(Column column, String value) {
    return column.origin() == Origin.NOTATION ? "`" + escaped(value) + "`" : escaped(value);
  }

  private static String escaped(String text) {
    return text.replace("|", "\\|").replaceAll("\\s+", " ");
  }
}
