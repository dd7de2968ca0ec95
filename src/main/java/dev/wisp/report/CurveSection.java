package dev.wisp.report;

import dev.wisp.pipeline.MetricSeries.Point;
import dev.wisp.report.ReportData.Training;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The curves of each training, series of one kind in one chart. */
final class CurveSection {
  private CurveSection() {}

  static void write(Html html, List<Training> trainings) {
    for (Training training : trainings) {
      html.element("h3", training.stage());
      if (training.metrics().values().isEmpty()) {
        html.element("p", "No step is done yet.");
        continue;
      }
      html.open("div", "class", "charts");
      charts(training).forEach(chart -> chart.write(html));
      html.close();
    }
  }

  private static List<LineChart> charts(Training training) {
    Map<String, Map<String, List<Point>>> groups = new LinkedHashMap<>();
    training
        .metrics()
        .values()
        .forEach(
            (name, points) -> {
              // An epoch's number is a function of the step; a loss that a stage lacks is all zero.
              boolean shown =
                  !name.equals("epoch") && points.stream().anyMatch(point -> point.value() != 0);
              if (shown) {
                Map<String, List<Point>> group =
                    groups.computeIfAbsent(group(name), key -> new LinkedHashMap<>());
                // A loss of one part is that part; two equal lines would hide each other.
                if (!group.containsValue(points)) {
                  group.put(name, points);
                }
              }
            });
    return groups.entrySet().stream()
        .map(group -> new LineChart(group.getKey(), group.getValue()))
        .toList();
  }

  private static String group(String name) {
    if (name.startsWith("loss")) {
      return "Loss";
    }
    if (name.startsWith("rate")) {
      return "Learning rate";
    }
    if (name.startsWith("val/")) {
      return "Validation";
    }
    return switch (name) {
      case "gradientNorm" -> "Norm of the gradient";
      case "imagesPerSecond" -> "Images per second";
      default -> name;
    };
  }
}
