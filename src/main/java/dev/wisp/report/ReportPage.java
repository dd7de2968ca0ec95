package dev.wisp.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A report as one HTML page that needs nothing else: style, script, curves and pictures are in it.
 * Its own content security policy lets a browser load nothing from anywhere.
 */
public final class ReportPage {
  private static final String STYLE = resource("report.css");
  private static final String SCRIPT = resource("report.js");

  /** Lets in the page's own style, script and pictures. */
  private static final String POLICY =
      "default-src 'none'; img-src data:; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'"
          .formatted(hash(STYLE), hash(SCRIPT));

  private ReportPage() {}

  /**
   * Where a served page asks for news.
   *
   * @param address of the metrics, relative to the page
   * @param metrics version of the metrics in the page
   * @param page version of all the rest
   * @param files of the run that the server hands out, below {@code files/}
   */
  record Live(String address, String metrics, String page, List<String> files) {}

  /** The page for a file. */
  public static String html(ReportData data) {
    return html(data, Optional.empty());
  }

  /** The policy of a page; a served one may also ask its server for news. */
  static String policy(boolean live) {
    return live ? POLICY + "; connect-src 'self'" : POLICY;
  }

  static String html(ReportData data, Optional<Live> live) {
    Html html = new Html();
    html.trusted("<!DOCTYPE html>\n").open("html", "lang", "en").open("head");
    html.empty("meta", "charset", "utf-8");
    html.empty(
        "meta", "http-equiv", "Content-Security-Policy", "content", policy(live.isPresent()));
    html.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    html.empty("meta", "name", "color-scheme", "content", "light dark");
    html.empty("link", "rel", "icon", "href", "data:,");
    html.element("title", data.title() + " - Wisp report");
    html.open("style").trusted(STYLE).close().close();
    if (live.isPresent()) {
      Live news = live.get();
      html.open(
          "body",
          "data-live",
          news.address(),
          "data-version",
          news.metrics(),
          "data-page",
          news.page());
    } else {
      html.open("body");
    }
    head(html, data);
    Map<String, Runnable> sections = sections(html, data, live);
    navigation(html, sections);
    html.open("main");
    sections.forEach(
        (title, section) -> {
          html.open("section", "id", id(title)).element("h2", title);
          section.run();
          html.close();
        });
    html.close();
    html.element("footer", "Made by Wisp, " + data.made() + ". This page loads nothing.");
    if (live.isPresent()) {
      html.open("p", "id", "fresh", "hidden", "");
      html.text("New results. ").element("a", "Show them", "href", "./").close();
    }
    html.open("script").trusted(SCRIPT).close();
    return html.close().close().toString();
  }

  /** The curves alone, for a page that is open already. */
  static String curves(List<ReportData.Training> trainings) {
    Html html = new Html();
    CurveSection.write(html, trainings);
    return html.toString();
  }

  /** The numbers in large letters alone. */
  static String highlights(List<ReportData.Highlight> highlights) {
    Html html = new Html();
    highlights.forEach(
        one ->
            html.open("li")
                .element("b", one.value())
                .text(one.label())
                .element("small", one.note())
                .close());
    return html.toString();
  }

  private static void head(Html html, ReportData data) {
    html.open("header").element("h1", data.title());
    html.open("p").text("Wisp report of ").element("time", data.made()).text(" ");
    html.element("span", "", "id", "state").close();
    html.open("ul", "class", "tiles", "id", "tiles").trusted(highlights(data.highlights())).close();
    html.close();
  }

  private static void navigation(Html html, Map<String, Runnable> sections) {
    html.open("nav", "aria-label", "Sections").open("ul");
    sections
        .keySet()
        .forEach(title -> html.open("li").element("a", title, "href", "#" + id(title)).close());
    html.close().close();
  }

  private static String id(String title) {
    return title.toLowerCase(Locale.ROOT).replace(' ', '-');
  }

  private static Map<String, Runnable> sections(Html html, ReportData data, Optional<Live> live) {
    Map<String, Runnable> sections = new LinkedHashMap<>();
    if (!data.scores().isEmpty()) {
      sections.put(
          "Scores",
          () -> {
            ScoreSection.stages(html, data.scores());
            ScoreSection.classes(html, data.classNames(), data.scores());
            ConfusionSection.write(html, data.classNames(), data.scores());
          });
    }
    if (!data.gallery().pictures().isEmpty()) {
      sections.put("Gallery", () -> GallerySection.write(html, data.gallery()));
    }
    if (!data.trainings().isEmpty() || live.isPresent()) {
      sections.put(
          "Curves",
          () -> {
            html.element(
                "p",
                "Faint: the values of the steps; strong: their moving median. Point at a chart to"
                    + " read its values.",
                "class",
                "note");
            html.open("div", "id", "curves-body");
            CurveSection.write(html, data.trainings());
            html.close();
          });
    }
    sections.put("Published results", () -> FactSection.tables(html, data.tables()));
    sections.put("Run facts", () -> FactSection.facts(html, data.facts()));
    live.ifPresent(news -> sections.put("Files", () -> FactSection.files(html, news.files())));
    if (!data.skipped().isEmpty()) {
      sections.put("Skipped images", () -> FactSection.skipped(html, data.skipped()));
    }
    return sections;
  }

  private static String resource(String name) {
    try (InputStream in = ReportPage.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return "sha256-" + Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
