package dev.wisp.data;

import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Mask;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Pixel labels drawn from the instances of a COCO file, crowds included, for scoring where there
 * are no mask files. Where instances overlap the smaller one is seen, of equal ones the later. The
 * file is read at the first mask, because only scoring needs its outlines. Thread-safe.
 */
final class CocoMasks {
  /** Reads one element of a list after the other. */
  private static final JsonMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private final Path file;
  private @Nullable Map<String, Picture> pictures;

  /** An image's size and the instances in it. */
  private record Picture(int width, int height, List<Instance> instances) {}

  /**
   * One annotation.
   *
   * @param shape null where its segmentation is malformed
   * @param problem then what is wrong with it
   */
  private record Instance(String id, @Nullable CocoShape shape, String problem) {}

  private record Drawn(int label, BitSet pixels) {}

  /** Masks of a file that {@link CocoInstances#read} has accepted. */
  CocoMasks(Path file) {
    this.file = file;
  }

  /** The mask of an image by its file's name without ending. */
  MaskSource of(String id) {
    return new MaskSource() {
      @Override
      public Mask read() {
        return draw(id);
      }

      @Override
      public String toString() {
        return file + ": image '" + id + "'";
      }
    };
  }

  private Mask draw(String id) {
    Map<String, Picture> all = pictures();
    Picture picture = all.get(id);
    if (picture == null) {
      picture = all.get(CocoInstances.number(id));
    }
    if (picture == null) {
      throw FileErrors.of(file, "has no image '" + id + "'");
    }
    int width = picture.width;
    int height = picture.height;
    if (width < 1 || height < 1 || (long) width * height > Integer.MAX_VALUE) {
      throw FileErrors.of(file, "image '" + id + "' has no width and height to draw a mask of");
    }
    List<Drawn> instances = new ArrayList<>();
    for (Instance instance : picture.instances) {
      CocoShape shape = instance.shape;
      if (shape == null) {
        throw unusable(instance, id, instance.problem);
      }
      try {
        instances.add(new Drawn(shape.label(), shape.pixels(width, height)));
      } catch (IllegalArgumentException wrong) {
        throw unusable(instance, id, String.valueOf(wrong.getMessage()));
      }
    }
    instances.sort(Comparator.comparingInt((Drawn each) -> each.pixels.cardinality()).reversed());
    byte[] labels = new byte[width * height];
    for (Drawn instance : instances) {
      instance.pixels.stream().forEach(pixel -> labels[pixel] = (byte) instance.label);
    }
    return new Mask(width, height, labels);
  }

  private WispException unusable(Instance instance, String image, String problem) {
    return FileErrors.of(
        file, "annotation %s of image '%s': %s".formatted(instance.id, image, problem));
  }

  private static Instance instance(JsonNode annotation, Map<Integer, Integer> labels) {
    String id = annotation.path("id").asString("?");
    int label = labels.getOrDefault(annotation.path("category_id").asInt(), 0);
    try {
      return new Instance(id, shape(annotation.path("segmentation"), label), "");
    } catch (IllegalArgumentException malformed) {
      return new Instance(id, null, String.valueOf(malformed.getMessage()));
    }
  }

  private static CocoShape shape(JsonNode outline, int label) {
    if (outline.isArray() && !outline.isEmpty()) {
      List<float[]> polygons = new ArrayList<>();
      for (JsonNode polygon : outline) {
        polygons.add(polygon(polygon));
      }
      return CocoShape.polygons(label, polygons);
    }
    JsonNode counts = outline.path("counts");
    int height = outline.path("size").path(0).asInt(0);
    int width = outline.path("size").path(1).asInt(0);
    if (counts.isString()) {
      return CocoShape.runs(label, width, height, CocoShape.counts(counts.asString()));
    }
    if (!counts.isArray()) {
      throw new IllegalArgumentException("has no segmentation: neither polygons nor run lengths");
    }
    int[] lengths = new int[counts.size()];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = counts.path(i).asInt(-1);
    }
    return CocoShape.runs(label, width, height, lengths);
  }

  private static float[] polygon(JsonNode numbers) {
    float[] polygon = new float[numbers.size()];
    if (!numbers.isArray() || polygon.length % 2 != 0) {
      throw new IllegalArgumentException("a polygon is not a list of x, y pairs");
    }
    for (int i = 0; i < polygon.length; i++) {
      polygon[i] = (float) numbers.path(i).asDouble(Double.NaN);
      if (!Float.isFinite(polygon[i])) {
        throw new IllegalArgumentException("a polygon holds something that is not a number");
      }
    }
    return polygon;
  }

  private synchronized Map<String, Picture> pictures() {
    if (pictures == null) {
      pictures = load();
    }
    return pictures;
  }

  private Map<String, Picture> load() {
    Map<Integer, Integer> labels = new HashMap<>();
    CocoJson.read(file).categories().keySet().stream()
        .sorted()
        .forEach(category -> labels.put(category, labels.size() + 1));
    Map<Long, JsonNode> images = new HashMap<>();
    Map<Long, List<Instance>> instances = new HashMap<>();
    try (JsonParser in = JSON.createParser(file)) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String list = in.currentName();
        in.nextToken();
        if (!list.equals("images") && !list.equals("annotations")) {
          in.skipChildren();
          continue;
        }
        while (in.nextToken() == JsonToken.START_OBJECT) {
          JsonNode each = JSON.readTree(in);
          if (list.equals("images")) {
            images.put(each.path("id").asLong(), each);
          } else {
            instances
                .computeIfAbsent(each.path("image_id").asLong(), id -> new ArrayList<>())
                .add(instance(each, labels));
          }
        }
      }
    } catch (JacksonException e) {
      throw FileErrors.of(file, "malformed JSON: " + e.getOriginalMessage(), e);
    }
    Map<String, Picture> byName = new HashMap<>();
    images.forEach(
        (id, image) ->
            byName.put(
                CocoInstances.name(image.path("file_name").asString("")),
                new Picture(
                    image.path("width").asInt(0),
                    image.path("height").asInt(0),
                    instances.getOrDefault(id, List.of()))));
    return byName;
  }
}
