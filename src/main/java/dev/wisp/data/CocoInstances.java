package dev.wisp.data;

import dev.wisp.io.FileErrors;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Image-level labels from COCO's {@code instances_*.json}: the categories of all instances, crowds
 * too. Categories are numbered 1..K in the order of their ids (COCO's own ids have gaps). Images
 * are called by their file's name without ending.
 */
public final class CocoInstances implements ImageLabels {
  private final Path file;
  private final List<String> classNames;
  private final Map<String, Labelled> images;

  /** An image's file name as the JSON gives it, and its classes. */
  @SuppressWarnings("ArrayRecordComponent")
  record Labelled(String fileName, int[] classes) {}

  private CocoInstances(Path file, List<String> classNames, Map<String, Labelled> images) {
    this.file = file;
    this.classNames = classNames;
    this.images = images;
  }

  /**
   * Reads a file in one pass; polygons are skipped, so memory goes with the number of images.
   *
   * @throws dev.wisp.common.WispException for malformed JSON, or annotations of images or
   *     categories that the file does not list
   */
  public static CocoInstances read(Path file) {
    CocoJson json = CocoJson.read(file);
    List<Integer> order = json.categories().keySet().stream().sorted().toList();
    Map<String, Labelled> images = new LinkedHashMap<>();
    json.images()
        .forEach(
            (imageId, name) -> {
              var categories = json.present().getOrDefault(imageId, new TreeSet<>());
              int[] classes = categories.stream().mapToInt(c -> order.indexOf(c) + 1).toArray();
              String id = name(name);
              if (images.put(id, new Labelled(name, classes)) != null) {
                throw FileErrors.of(file, "the image '" + name + "' is listed twice");
              }
            });
    return new CocoInstances(
        file, order.stream().map(c -> String.valueOf(json.categories().get(c))).toList(), images);
  }

  /** The foreground classes by ascending category id. */
  public List<String> classNames() {
    return classNames;
  }

  /** The images by name without ending, in the file's order. */
  Map<String, Labelled> images() {
    return images;
  }

  @Override
  public int @Nullable [] of(String id) {
    Labelled known = images.get(id);
    if (known == null) {
      known = images.get(number(id));
    }
    return known == null ? null : known.classes().clone();
  }

  /** What an image is called: its file's name without folders and ending. */
  static String name(String fileName) {
    return ImageList.stem(fileName.substring(fileName.lastIndexOf('/') + 1));
  }

  /** COCO 2014 puts the set in front of the number, COCO 2017 has the number alone. */
  static String number(String id) {
    return id.substring(id.lastIndexOf('_') + 1);
  }

  @Override
  public String source() {
    return file.toString();
  }
}
