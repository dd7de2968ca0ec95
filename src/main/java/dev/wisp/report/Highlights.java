package dev.wisp.report;

import dev.wisp.pipeline.Bootstrap;
import dev.wisp.report.ReportData.Highlight;
import dev.wisp.report.ReportData.Score;
import dev.wisp.report.ReportData.Training;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** The few numbers at the head of a report. */
record Highlights(List<Score> scores, List<Training> trainings, Optional<JsonNode> summary) {
  List<Highlight> list() {
    List<Highlight> list = new ArrayList<>();
    if (!scores.isEmpty()) {
      Score last = scores.getLast();
      list.add(
          new Highlight(
              Numbers.percent(last.miou().value()) + " %",
              "mIoU of " + last.name(),
              last.images() + " images of " + last.data()));
    }
    summary.ifPresent(json -> gain(json).ifPresent(list::add));
    if (summary.isPresent()) {
      JsonNode json = summary.get();
      list.add(
          new Highlight(
              Numbers.seconds(json.path("secondsInAll").asDouble(0)), "in all", stages(json)));
      list.add(
          new Highlight(
              Numbers.megabytes(json.path("peakMemoryMb").asLong(0)),
              "peak memory",
              "largest resident size of the process"));
    } else if (!trainings.isEmpty()) {
      list.addAll(training(trainings.getLast()));
    }
    return list;
  }

  private static List<Highlight> training(Training training) {
    List<Highlight> list = new ArrayList<>();
    list.add(
        new Highlight(
            Long.toString(training.metrics().lastStep()), "steps done", training.stage()));
    RunFacts.last(training.metrics(), "loss")
        .ifPresent(
            loss -> list.add(new Highlight(Numbers.plain(loss), "loss", "of the last step")));
    RunFacts.median(training.metrics(), "imagesPerSecond")
        .ifPresent(
            speed ->
                list.add(
                    new Highlight(
                        Numbers.plain(speed), "images per second", "median of the steps")));
    return list;
  }

  /** What the whole method adds to the plain maps: the last of the summary's differences. */
  private static Optional<Highlight> gain(JsonNode summary) {
    Map.Entry<String, JsonNode> last = null;
    for (Map.Entry<String, JsonNode> each :
        summary.path("scores").path("differences").properties()) {
      last = each;
    }
    if (last == null) {
      return Optional.empty();
    }
    Bootstrap.Interval gain = RunCollector.interval(last.getValue().path("miou"));
    return Optional.of(
        new Highlight(
            String.format(Locale.ROOT, "%+.2f", 100 * gain.value()),
            "points: " + last.getKey(),
            String.format(
                Locale.ROOT,
                "95 %% interval %+.2f to %+.2f over the images",
                100 * gain.low(),
                100 * gain.high())));
  }

  private static String stages(JsonNode summary) {
    List<String> stages = new ArrayList<>();
    summary.path("seconds").properties().forEach(stage -> stages.add(stage.getKey()));
    return String.join(", ", stages);
  }
}
