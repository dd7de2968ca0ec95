package dev.wisp.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.pipeline.MetricSeries.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class LineChartTest {
  private static List<Point> points(int count, LongToDoubleFunction value) {
    List<Point> points = new ArrayList<>();
    for (long step = 1; step <= count; step++) {
      points.add(new Point(step, value.applyAsDouble(step)));
    }
    return points;
  }

  private static String draw(List<Point> points) {
    Html html = new Html();
    new LineChart("Loss", Map.of("loss", points)).write(html);
    return html.toString();
  }

  @Test
  void aLongSeriesIsDrawnAsMeansOfItsSteps() {
    List<Point> binned = LineChart.binned(points(10_000, step -> step));
    assertThat(binned).hasSizeBetween(200, 300);
    assertThat(binned.getLast().step()).isEqualTo(10_000);
    assertThat(binned.getFirst().value())
        .isCloseTo((1 + binned.getFirst().step()) / 2.0, within(1e-9));
    assertThat(LineChart.binned(points(300, step -> step))).hasSize(300);
  }

  @Test
  void allPointsLieInsideTheChart() {
    String svg = draw(points(500, step -> Math.sin(step) * 3 - 1));
    Matcher point = Pattern.compile("(-?[0-9.]+),(-?[0-9.]+)").matcher(lines(svg));
    int count = 0;
    while (point.find()) {
      assertThat(Double.parseDouble(point.group(1))).isBetween(0.0, 460.0);
      assertThat(Double.parseDouble(point.group(2))).isBetween(0.0, 240.0);
      count++;
    }
    assertThat(count).isEqualTo(2 * 250);
  }

  private static String lines(String svg) {
    StringBuilder lines = new StringBuilder();
    Matcher line = Pattern.compile("<polyline[^>]* points=\"([^\"]*)\"").matcher(svg);
    while (line.find()) {
      lines.append(line.group(1)).append(' ');
    }
    return lines.toString();
  }

  @Test
  void oneValueFarAboveTheOthersIsNamedAndDoesNotFlattenThem() {
    String svg = draw(points(100, step -> step == 50 ? 1000 : 1 + step % 2));
    assertThat(svg).contains("largest: 1000");
    Matcher point = Pattern.compile(",([0-9.]+)").matcher(lines(svg));
    double lowest = 0;
    double highest = 240;
    while (point.find()) {
      lowest = Math.max(lowest, Double.parseDouble(point.group(1)));
      highest = Math.min(highest, Double.parseDouble(point.group(1)));
    }
    assertThat(lowest - highest).isGreaterThan(50);
    assertThat(draw(points(100, step -> 1 + step % 2))).doesNotContain("largest");
  }

  @Test
  void valuesThatAreNoNumbersLeaveTheRestInPlace() {
    String svg = draw(points(10, step -> step == 5 ? Double.NaN : step));
    assertThat(lines(svg)).doesNotContain("NaN");
    assertThat(svg).contains("<b>10</b>");
    assertThat(draw(points(1, step -> 0.5))).contains("<circle").doesNotContain("<polyline");
  }

  @Test
  void anAxisEndsAtRoundNumbersAroundItsValues() {
    Axis axis = Axis.over(57.2, 87.8, 7, 0, 100);
    assertThat(axis.low()).isEqualTo(55);
    assertThat(axis.high()).isEqualTo(90);
    assertThat(axis.marks()).containsExactly(55.0, 60.0, 65.0, 70.0, 75.0, 80.0, 85.0, 90.0);
    assertThat(axis.at(72.5)).isCloseTo(50, within(1e-9));
    assertThat(Axis.over(0.5, 0.5, 4, 0, 1).marks()).isNotEmpty();
    assertThat(Axis.upTo(216, 5, 0, 216).marks()).containsExactly(0.0, 50.0, 100.0, 150.0, 200.0);
  }

  @Test
  void numbersAreShortAndKeepTheirSize() {
    assertThat(Numbers.plain(0.0758241)).isEqualTo("0.07582");
    assertThat(Numbers.plain(1234567.8)).isEqualTo("1235000");
    assertThat(Numbers.plain(0)).isEqualTo("0");
    assertThat(Numbers.plain(0.0000123)).isEqualTo("1.23e-05");
    assertThat(Numbers.plain(Double.NaN)).isEqualTo("-");
    assertThat(Numbers.seconds(99.04)).isEqualTo("99.0 s");
    assertThat(Numbers.seconds(265)).isEqualTo("4 min 25 s");
    assertThat(Numbers.seconds(7260)).isEqualTo("2 h 1 min");
    assertThat(Numbers.megabytes(1109)).isEqualTo("1.1 GB");
  }
}
