package dev.wisp.data;

import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** COCO's layout: {@code annotations/instances_NAME.json} and the pictures in a folder NAME. */
public final class CocoLayout {
  private static final String PREFIX = "instances_";
  private static final String SUFFIX = ".json";

  private CocoLayout() {}

  /**
   * Opens a folder; pictures lie in {@code NAME}, {@code images/NAME} or {@code images}, masks (if
   * any) in {@code masks/NAME} or {@code masks}; an image without one gets it from its instances.
   *
   * @param name for example {@code train2017}; without such a file the first that begins with it;
   *     null for train
   */
  static Dataset open(Path root, @Nullable String name) {
    String chosen = chosen(root, name == null ? "train" : name);
    Path instances = root.resolve("annotations").resolve(PREFIX + chosen + SUFFIX);
    Path pictures = firstFolder(root, chosen, "images/" + chosen, "images");
    if (pictures == null) {
      throw FileErrors.of(root, "no folder with pictures: neither " + chosen + " nor images");
    }
    return open(pictures, instances, null, firstFolder(root, "masks/" + chosen, "masks"));
  }

  private static String chosen(Path root, String name) {
    try (Stream<Path> files = Files.list(root.resolve("annotations"))) {
      List<String> names =
          files
              .map(file -> String.valueOf(file.getFileName()))
              .filter(file -> file.startsWith(PREFIX) && file.endsWith(SUFFIX))
              .map(file -> file.substring(PREFIX.length(), file.length() - SUFFIX.length()))
              .filter(file -> file.startsWith(name))
              .sorted()
              .toList();
      // The name itself, if it is there, comes before those it begins.
      return names.stream()
          .findFirst()
          .orElseThrow(
              () ->
                  FileErrors.of(
                      root,
                      "no annotations/%s%s%s and none that begins so; name a list"
                          .formatted(PREFIX, name, SUFFIX)));
    } catch (IOException e) {
      throw FileErrors.reading(root, e);
    }
  }

  private static @Nullable Path firstFolder(Path root, String... names) {
    for (String name : names) {
      Path folder = ImageList.below(root, name);
      if (folder != null && Files.isDirectory(folder)) {
        return folder;
      }
    }
    return null;
  }

  /**
   * A folder of pictures and an instances file, which also labels them.
   *
   * @param list a file with the images to take, by name ({@code COCO_train2014_000000000009} also
   *     finds {@code 000000000009.jpg}); null for all of the instances file
   * @param masks a folder with {@code NAME.png}, or null; where there is none masks are drawn
   */
  public static Dataset open(
      Path pictures, Path instances, @Nullable Path list, @Nullable Path masks) {
    CocoInstances labels = CocoInstances.read(instances);
    Map<String, Path> images = new LinkedHashMap<>();
    if (list == null) {
      labels
          .images()
          .forEach(
              (id, image) -> {
                Path file = ImageList.below(pictures, image.fileName());
                if (file == null || !Files.isRegularFile(file)) {
                  throw FileErrors.of(
                      instances, "no picture '" + image.fileName() + "' in " + pictures);
                }
                images.put(id, file);
              });
    } else {
      for (ImageList.Entry entry : ImageList.read(list)) {
        String number = entry.id().substring(entry.id().lastIndexOf('_') + 1);
        Path file = ImageList.find(pictures, entry.id());
        if (file == null) {
          file = ImageList.find(pictures, number);
        }
        if (file == null) {
          throw TextLines.problem(
              list, entry.line(), "no picture '" + entry.id() + "' in " + pictures);
        }
        if (labels.of(entry.id()) == null) {
          throw TextLines.problem(
              list, entry.line(), "'" + entry.id() + "' is not in " + instances);
        }
        if (images.put(entry.id(), file) != null) {
          throw TextLines.problem(list, entry.line(), "'" + entry.id() + "' is listed twice");
        }
      }
    }
    List<Sample> samples = new ArrayList<>();
    CocoMasks drawn = new CocoMasks(instances);
    images.forEach(
        (id, file) -> {
          Path mask = masks == null ? null : ImageList.below(masks, id + ".png");
          MaskSource source =
              mask != null && Files.isRegularFile(mask) ? MaskSource.file(mask) : drawn.of(id);
          samples.add(new Sample(id, file, labels.of(id), source));
        });
    return new Dataset(
        (list == null ? instances : list).toString(), labels.classNames(), samples, false);
  }
}
