package dev.wisp.report;

import dev.wisp.pipeline.Bootstrap;
import dev.wisp.pipeline.FactorSweep;
import dev.wisp.pipeline.Overlay;
import dev.wisp.report.ReportData.Score;
import java.util.List;
import java.util.Locale;

/** Scores of the stages, then of the classes. */
final class ScoreSection {
  private static final int WIDTH = 520;
  private static final int LEFT = 96;
  private static final int ROW = 34;

  private ScoreSection() {}

  static void stages(Html html, List<Score> scores) {
    html.open("div", "class", "scroll");
    chart(html, scores);
    html.close();
    boolean bounds = scores.stream().anyMatch(score -> score.upperBound().isPresent());
    html.open("div", "class", "scroll").open("table").open("thead").open("tr");
    html.element("th", "stage").element("th", "mIoU (%)", "class", "number");
    html.element("th", "95 % interval", "class", "number");
    if (bounds) {
      html.element("th", "at its best factor", "class", "number");
    }
    html.element("th", "images", "class", "number").element("th", "data").close().close();
    html.open("tbody");
    for (Score score : scores) {
      html.open("tr").element("th", score.name(), "scope", "row");
      html.element("td", Numbers.percent(score.miou().value()), "class", "number");
      html.element("td", interval(score.miou()), "class", "number");
      if (bounds) {
        html.element(
            "td",
            score
                .upperBound()
                .map(
                    bound ->
                        String.format(
                            Locale.ROOT,
                            "%s at %.2f",
                            Numbers.percent(bound.miou()),
                            bound.factor()))
                .orElse("-"),
            "class",
            "number");
      }
      html.element("td", Integer.toString(score.images()), "class", "number");
      html.element("td", score.data()).close();
    }
    html.close().close().close();
    html.element(
        "p",
        "Intervals are bootstrap intervals over the images, not over trainings."
            + (bounds ? " Best factor (hollow): " + FactorSweep.UPPER_BOUND + "." : ""),
        "class",
        "note");
  }

  private static String interval(Bootstrap.Interval interval) {
    return Double.isNaN(interval.low())
        ? "-"
        : Numbers.percent(interval.low()) + " - " + Numbers.percent(interval.high());
  }

  private static void chart(Html html, List<Score> scores) {
    double least = 1;
    double most = 0;
    for (Score score : scores) {
      Bootstrap.Interval miou = score.miou();
      least = Math.min(least, Double.isNaN(miou.low()) ? miou.value() : miou.low());
      most = Math.max(most, Double.isNaN(miou.high()) ? miou.value() : miou.high());
      most = Math.max(most, score.upperBound().map(ReportData.UpperBound::miou).orElse(0.0));
    }
    int bottom = ROW * scores.size() + 8;
    Axis x = Axis.over(100 * least, 100 * most, 6, LEFT + 10.0, WIDTH - 56.0);
    html.open(
        "svg",
        "class",
        "dots",
        "viewBox",
        "0 0 %d %d".formatted(WIDTH, bottom + 24),
        "role",
        "img",
        "aria-label",
        "mIoU of each stage");
    for (double mark : x.marks()) {
      html.shape(
          "line",
          "class",
          "grid",
          "x1",
          x.place(mark),
          "x2",
          x.place(mark),
          "y1",
          "4",
          "y2",
          Integer.toString(bottom));
      html.element(
          "text",
          Numbers.plain(mark),
          "class",
          "tick middle",
          "x",
          x.place(mark),
          "y",
          Integer.toString(bottom + 17));
    }
    for (int i = 0; i < scores.size(); i++) {
      row(html, x, scores.get(i), ROW * i + ROW / 2 + 4);
    }
    html.close();
  }

  private static void row(Html html, Axis x, Score score, int y) {
    String line = Integer.toString(y);
    String text = Integer.toString(y + 4);
    Bootstrap.Interval miou = score.miou();
    html.element("text", score.name(), "class", "name end", "x", "" + LEFT, "y", text);
    if (!Double.isNaN(miou.low())) {
      html.shape(
          "line",
          "class",
          "whisker",
          "x1",
          x.place(100 * miou.low()),
          "x2",
          x.place(100 * miou.high()),
          "y1",
          line,
          "y2",
          line);
    }
    score
        .upperBound()
        .ifPresent(
            bound ->
                html.shape(
                    "circle",
                    "class",
                    "hollow",
                    "r",
                    "5",
                    "cx",
                    x.place(100 * bound.miou()),
                    "cy",
                    line));
    html.shape(
        "circle", "class", "dot s0", "r", "6", "cx", x.place(100 * miou.value()), "cy", line);
    html.element(
        "text",
        Numbers.percent(miou.value()),
        "class",
        "value end",
        "x",
        Integer.toString(WIDTH - 4),
        "y",
        text);
  }

  static void classes(Html html, List<String> names, List<Score> scores) {
    List<Score> shown =
        scores.stream().filter(score -> score.iou().size() == names.size()).toList();
    if (shown.isEmpty()) {
      return;
    }
    html.element("h3", "IoU of each class (%)", "id", "classes");
    html.open("div", "class", "scroll").open("table", "class", "classes").open("thead").open("tr");
    html.element("th", "class");
    shown.forEach(score -> html.element("th", score.name(), "class", "number"));
    html.element("td", "").close().close().open("tbody");
    for (int id = 0; id < names.size(); id++) {
      int number = id;
      html.open("tr").open("th", "scope", "row");
      swatch(html, id);
      html.text(names.get(id)).close();
      shown.forEach(
          score -> html.element("td", Numbers.percent(score.iou().get(number)), "class", "number"));
      html.open("td", "class", "bar");
      bar(html, shown.getLast().iou().get(id), id);
      html.close().close();
    }
    html.close().close().close();
  }

  private static void bar(Html html, double share, int id) {
    html.open("svg", "viewBox", "0 0 200 12", "preserveAspectRatio", "none", "aria-hidden", "true");
    html.shape("rect", "class", "rail", "width", "200", "height", "12", "rx", "2");
    if (!Double.isNaN(share)) {
      html.shape(
          "rect",
          "width",
          Axis.coordinate(200 * share),
          "height",
          "12",
          "rx",
          "2",
          "fill",
          colour(id));
    }
    html.close();
  }

  /** A small square in a class's colour. */
  static void swatch(Html html, int id) {
    html.open("svg", "class", "swatch", "viewBox", "0 0 10 10", "aria-hidden", "true");
    html.shape("rect", "width", "10", "height", "10", "rx", "2", "fill", colour(id)).close();
  }

  private static String colour(int id) {
    return String.format(Locale.ROOT, "#%06x", Overlay.colour(id));
  }
}
