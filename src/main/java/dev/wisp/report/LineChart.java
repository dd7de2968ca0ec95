package dev.wisp.report;

import dev.wisp.pipeline.MetricSeries.Point;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/**
 * Series over steps as an SVG: each as a faint line of its values and a strong one of their moving
 * median. The values lie in the chart's {@code data-points}, so that a reader can point at them.
 *
 * @param title of the chart
 * @param series by name
 */
record LineChart(String title, Map<String, List<Point>> series) {
  private static final int WIDTH = 460;
  private static final int HEIGHT = 240;
  private static final int LEFT = 52;
  private static final int RIGHT = 12;
  private static final int TOP = 12;
  private static final int BOTTOM = 28;

  /** Points of a drawn line; more steps are averaged in bins. */
  private static final int MOST_POINTS = 300;

  /** How far the largest value must lie above the usual ones to be cut. */
  private static final double OUTLIER = 5;

  /** The moving median is over this share of a line. */
  private static final int SMOOTH_SHARE = 15;

  void write(Html html) {
    Map<String, List<Point>> lines = new LinkedHashMap<>();
    series.forEach((name, points) -> lines.put(name, binned(points)));
    Axis x =
        Axis.upTo(
            lines.values().stream().mapToDouble(points -> points.getLast().step()).max().orElse(1),
            5,
            LEFT,
            WIDTH - RIGHT);
    double[] values =
        lines.values().stream()
            .flatMap(List::stream)
            .mapToDouble(Point::value)
            .filter(Double::isFinite)
            .sorted()
            .toArray();
    double least = values.length == 0 ? 0 : values[0];
    double most = values.length == 0 ? 1 : values[values.length - 1];
    double usual = values.length == 0 ? 1 : values[(values.length - 1) * 98 / 100];
    // One value far above all others would flatten the rest: it is drawn at the edge and named.
    boolean outlier = most > OUTLIER * usual && usual > 0;
    // Where the range is not far from zero, zero belongs to it.
    Axis y =
        Axis.over(
            least > 0 && least < most / 2 ? 0 : least,
            outlier ? usual : most,
            4,
            HEIGHT - BOTTOM,
            TOP);
    html.open("figure", "class", "chart").open("figcaption").text(title);
    if (outlier) {
      html.element("small", "largest: " + Numbers.plain(most));
    }
    html.close();
    html.open(
        "svg",
        "viewBox",
        "0 0 " + WIDTH + " " + HEIGHT,
        "role",
        "img",
        "aria-label",
        title + " over steps",
        "data-points",
        data(lines),
        "data-left",
        x.place(x.low()),
        "data-right",
        x.place(x.high()),
        "data-last",
        Double.toString(x.high()));
    grid(html, x, y);
    int colour = 0;
    for (List<Point> points : lines.values()) {
      String style = "s" + colour++ % 6;
      if (points.size() > 1) {
        html.shape("polyline", "class", "raw " + style, "points", path(points, x, y));
        html.shape("polyline", "class", "smooth " + style, "points", path(smooth(points), x, y));
      }
      Point last = points.getLast();
      if (Double.isFinite(last.value())) {
        html.shape(
            "circle",
            "class",
            "dot " + style,
            "r",
            "3",
            "cx",
            x.place(last.step()),
            "cy",
            y.place(last.value()));
      }
    }
    html.shape(
        "line",
        "class",
        "cursor",
        "x1",
        "0",
        "x2",
        "0",
        "y1",
        Integer.toString(TOP),
        "y2",
        Integer.toString(HEIGHT - BOTTOM));
    html.close();
    legend(html, lines);
    html.close();
  }

  private static void grid(Html html, Axis x, Axis y) {
    for (double mark : y.marks()) {
      html.shape(
          "line",
          "class",
          "grid",
          "x1",
          Integer.toString(LEFT),
          "x2",
          Integer.toString(WIDTH - RIGHT),
          "y1",
          y.place(mark),
          "y2",
          y.place(mark));
      html.element(
          "text",
          Numbers.plain(mark),
          "class",
          "tick end",
          "x",
          Integer.toString(LEFT - 6),
          "y",
          Axis.coordinate(y.at(mark) + 4));
    }
    for (double mark : x.marks()) {
      html.element(
          "text",
          Numbers.plain(mark),
          "class",
          "tick middle",
          "x",
          x.place(mark),
          "y",
          Integer.toString(HEIGHT - 10));
    }
  }

  private static void legend(Html html, Map<String, List<Point>> lines) {
    html.open("ul", "class", "legend");
    int colour = 0;
    for (Map.Entry<String, List<Point>> line : lines.entrySet()) {
      html.open("li", "class", "s" + colour++ % 6)
          .element("i", "")
          .text(line.getKey() + " ")
          .element("b", Numbers.plain(line.getValue().getLast().value()))
          .close();
    }
    html.element("li", "", "class", "where").close();
  }

  private static String path(List<Point> points, Axis x, Axis y) {
    StringBuilder path = new StringBuilder();
    for (Point point : points) {
      if (Double.isFinite(point.value())) {
        path.append(path.isEmpty() ? "" : " ")
            .append(x.place(point.step()))
            .append(',')
            .append(y.place(point.value()));
      }
    }
    return path.toString();
  }

  /** At most {@link #MOST_POINTS} points: means of as many steps each. */
  static List<Point> binned(List<Point> points) {
    int size = (points.size() + MOST_POINTS - 1) / MOST_POINTS;
    if (size <= 1) {
      return points;
    }
    List<Point> binned = new ArrayList<>();
    for (int begin = 0; begin < points.size(); begin += size) {
      List<Point> bin = points.subList(begin, Math.min(points.size(), begin + size));
      binned.add(
          new Point(
              bin.getLast().step(),
              bin.stream().mapToDouble(Point::value).average().orElse(Double.NaN)));
    }
    return binned;
  }

  private static List<Point> smooth(List<Point> points) {
    int reach = points.size() / SMOOTH_SHARE / 2;
    List<Point> smooth = new ArrayList<>();
    for (int i = 0; i < points.size(); i++) {
      // Symmetric, so that neither end is pulled to the inside.
      int near = Math.min(reach, Math.min(i, points.size() - 1 - i));
      double[] window =
          points.subList(i - near, i + near + 1).stream()
              .mapToDouble(Point::value)
              .sorted()
              .toArray();
      smooth.add(new Point(points.get(i).step(), window[window.length / 2]));
    }
    return smooth;
  }

  /** Per line its steps and its values, as text that people may read. */
  private static String data(Map<String, List<Point>> lines) {
    List<Map<String, Object>> data = new ArrayList<>();
    for (List<Point> points : lines.values()) {
      data.add(
          Map.of(
              "steps", points.stream().map(Point::step).toList(),
              "values", points.stream().map(point -> Numbers.plain(point.value())).toList()));
    }
    return JsonMapper.shared().writeValueAsString(data);
  }
}
