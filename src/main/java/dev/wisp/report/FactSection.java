package dev.wisp.report;

import dev.wisp.pipeline.ResultTable;
import dev.wisp.pipeline.ResultTable.Column;
import dev.wisp.pipeline.ResultTable.Origin;
import dev.wisp.report.ReportData.FactGroup;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Tables of words and numbers: the paper's, the run's facts, what was skipped. */
final class FactSection {
  private FactSection() {}

  static void tables(Html html, List<ResultTable> tables) {
    Set<String> said = new HashSet<>();
    for (ResultTable table : tables) {
      html.element("h3", table.title());
      html.open("div", "class", "scroll").open("table", "class", "paper");
      html.open("thead").open("tr");
      for (Column column : table.columns()) {
        html.element("th", column.heading(), "class", style(column.origin()));
      }
      html.close().close().open("tbody");
      for (List<String> row : table.rows()) {
        html.open("tr");
        for (int i = 0; i < row.size(); i++) {
          html.element("td", row.get(i), "class", style(table.columns().get(i).origin()));
        }
        html.close();
      }
      html.close().close().close();
      table.notes().stream()
          .filter(said::add)
          .forEach(note -> html.element("p", note, "class", "note"));
    }
  }

  private static String style(Origin origin) {
    return switch (origin) {
      case PUBLISHED, MEASURED -> "number " + origin.name().toLowerCase(Locale.ROOT);
      case ROW, NOTATION -> origin.name().toLowerCase(Locale.ROOT);
    };
  }

  static void facts(Html html, List<FactGroup> groups) {
    html.open("div", "class", "facts");
    for (FactGroup group : groups) {
      html.open("section").element("h3", group.title()).open("dl");
      group.facts().forEach(fact -> html.element("dt", fact.name()).element("dd", fact.value()));
      html.close().close();
    }
    html.close();
  }

  static void files(Html html, List<String> files) {
    html.open("ul", "class", "files");
    for (String file : files) {
      String address = URLEncoder.encode(file, StandardCharsets.UTF_8);
      // Spaces are written as in a form, slashes are to stay.
      address = address.replace("+", "%20").replace("%2F", "/");
      html.open("li").element("a", file, "href", "files/" + address).close();
    }
    html.close();
  }

  static void skipped(Html html, Map<String, String> skipped) {
    html.open("dl", "class", "skipped");
    skipped.forEach((image, reason) -> html.element("dt", image).element("dd", reason));
    html.close();
  }
}
