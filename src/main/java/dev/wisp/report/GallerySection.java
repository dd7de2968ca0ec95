package dev.wisp.report;

import dev.wisp.pipeline.Showcase.Why;
import dev.wisp.report.ReportData.Gallery;
import dev.wisp.report.ReportData.Layer;
import dev.wisp.report.ReportData.Picture;
import java.util.Base64;
import java.util.List;
import java.util.Locale;

/**
 * Images with their layers. Without a script all layers stand side by side; with one they lie on
 * each other and a slider fades from one to the next.
 */
final class GallerySection {
  private GallerySection() {}

  static void write(Html html, Gallery gallery) {
    List<String> names =
        gallery.pictures().stream()
            .flatMap(picture -> picture.layers().stream())
            .map(Layer::name)
            .distinct()
            .toList();
    html.element(
        "p",
        "%d of %d images%s. Scores are the mean IoU of an image's label over its own classes."
            .formatted(
                gallery.pictures().size(),
                gallery.of(),
                gallery.leftOut() > 0
                    ? ", %d more left out to keep the page small".formatted(gallery.leftOut())
                    : ""),
        "class",
        "note");
    html.open("div", "class", "all", "role", "group", "aria-label", "Show in all images")
        .element("span", "All images:");
    for (String name : names) {
      html.element("button", name, "type", "button", "data-all", name);
    }
    html.close();
    for (Why why : Why.values()) {
      List<Picture> pictures =
          gallery.pictures().stream().filter(picture -> picture.why() == why).toList();
      if (!pictures.isEmpty()) {
        html.element("h3", heading(why));
        html.open("div", "class", "shots");
        pictures.forEach(picture -> shot(html, picture));
        html.close();
      }
    }
  }

  private static String heading(Why why) {
    return switch (why) {
      case WORST -> "Worst images";
      case BEST -> "Best images";
      case FIRST -> "First of the list";
    };
  }

  private static void shot(Html html, Picture picture) {
    html.open("article", "class", "shot");
    html.open("header").element("b", picture.id());
    if (!Double.isNaN(picture.score())) {
      html.element(
          "span", String.format(Locale.ROOT, "%.1f %%", 100 * picture.score()), "class", "score");
    }
    html.element("small", String.join(", ", picture.classes())).close();
    html.open("div", "class", "stack");
    for (Layer layer : picture.layers()) {
      html.open("figure", "data-layer", layer.name());
      html.empty(
          "img",
          "src",
          "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(layer.jpeg()),
          "width",
          Integer.toString(picture.width()),
          "height",
          Integer.toString(picture.height()),
          "alt",
          layer.name() + " of " + picture.id());
      html.element("figcaption", layer.name()).close();
    }
    html.close();
    html.open("div", "class", "control");
    html.empty(
        "input",
        "type",
        "range",
        "min",
        "0",
        "max",
        Integer.toString(picture.layers().size() - 1),
        "step",
        "0.02",
        "value",
        "0",
        "aria-label",
        "Layer of " + picture.id());
    html.element("output", "Image").close();
    html.close();
  }
}
