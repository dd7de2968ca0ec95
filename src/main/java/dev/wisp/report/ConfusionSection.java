package dev.wisp.report;

import dev.wisp.pipeline.Confusion;
import dev.wisp.report.ReportData.Score;
import java.util.List;
import java.util.Locale;

/** Which class's pixels were taken for which, a map of shares per scored folder of labels. */
final class ConfusionSection {
  /** Up to so many classes a cell is large enough for a number. */
  private static final int WITH_NUMBERS = 10;

  private ConfusionSection() {}

  static void write(Html html, List<String> names, List<Score> scores) {
    List<Score> shown = scores.stream().filter(score -> score.confusion().isPresent()).toList();
    if (shown.isEmpty()) {
      return;
    }
    html.element("h3", "Confusion", "id", "confusion");
    html.element(
        "p",
        "Share of a true class's pixels (row) that got a class (column), in percent. Pixels that"
            + " the masks leave open do not count.",
        "class",
        "note");
    html.open("div", "class", "matrices");
    for (Score score : shown) {
      html.open("figure", "class", "scroll").element("figcaption", score.name());
      matrix(html, names, score.confusion().orElseThrow());
      html.close();
    }
    html.close();
  }

  private static void matrix(Html html, List<String> names, Confusion confusion) {
    int classes = confusion.classes();
    boolean none = false;
    for (int truth = 0; truth < classes; truth++) {
      none |= confusion.count(truth, classes) > 0;
    }
    int columns = none ? classes + 1 : classes;
    int cell = classes <= WITH_NUMBERS ? 46 : 22;
    int left = 8 + 7 * names.stream().mapToInt(String::length).max().orElse(0);
    int width = left + columns * cell + 4;
    int height = left + classes * cell + 4;
    html.open(
        "svg",
        "class",
        classes <= WITH_NUMBERS ? "matrix" : "matrix small",
        "viewBox",
        "0 0 %d %d".formatted(width, height),
        "width",
        Integer.toString(width),
        "role",
        "img",
        "aria-label",
        "confusion of " + classes + " classes");
    for (int column = 0; column < columns; column++) {
      int x = left + column * cell + cell / 2 + 4;
      html.element(
          "text",
          column == classes ? "no class" : names.get(column),
          "class",
          "name",
          "transform",
          "translate(%d %d) rotate(-90)".formatted(x, left - 6));
    }
    for (int truth = 0; truth < classes; truth++) {
      int y = left + truth * cell;
      html.element(
          "text",
          names.get(truth),
          "class",
          "name end",
          "x",
          Integer.toString(left - 6),
          "y",
          Integer.toString(y + cell / 2 + 4));
      long all = 0;
      for (int column = 0; column <= classes; column++) {
        all += confusion.count(truth, column);
      }
      for (int column = 0; column < columns; column++) {
        long count = confusion.count(truth, column);
        double share = all == 0 ? 0 : (double) count / all;
        String what =
            "%s taken for %s: %s %% (%d pixels)"
                .formatted(
                    names.get(truth),
                    column == classes ? "no class" : names.get(column),
                    Numbers.percent(share),
                    count);
        cell(html, left + column * cell, y, cell, share, truth == column, what);
      }
    }
    html.close();
  }

  private static void cell(
      Html html, int x, int y, int size, double share, boolean right, String what) {
    html.open("g");
    html.element("title", what);
    html.shape(
        "rect",
        "class",
        "cell",
        "x",
        "" + x,
        "y",
        "" + y,
        "width",
        "" + (size - 1),
        "height",
        "" + (size - 1),
        "rx",
        "2");
    if (share > 0) {
      // A root, so that small confusions are seen beside large diagonals.
      html.shape(
          "rect",
          "class",
          right ? "right" : "wrong",
          "x",
          "" + x,
          "y",
          "" + y,
          "width",
          "" + (size - 1),
          "height",
          "" + (size - 1),
          "rx",
          "2",
          "fill-opacity",
          String.format(Locale.ROOT, "%.3f", Math.sqrt(share)));
    }
    if (size > 40) {
      html.element(
          "text",
          String.format(Locale.ROOT, "%.1f", 100 * share),
          "class",
          share > 0.4 ? "share strong" : "share",
          "x",
          "" + (x + (size - 1) / 2),
          "y",
          "" + (y + size / 2 + 4));
    }
    html.close();
  }
}
