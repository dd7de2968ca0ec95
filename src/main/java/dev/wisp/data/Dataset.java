package dev.wisp.data;

import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A list of images with image-level labels. Immutable; images are decoded when asked for, from any
 * thread.
 *
 * @param name for messages: the folder or list it came from
 * @param classNames the foreground classes; the first has id 1 (0 is the background)
 * @param samples the images, in the order of the list
 * @param upright whether images are turned as their Exif data ask: true for a user's folder, false
 *     for VOC and COCO
 */
public record Dataset(String name, List<String> classNames, List<Sample> samples, boolean upright) {
  /** Masks hold a label in a byte, and 255 is void. */
  public static final int MOST_CLASSES = 254;

  /**
   * Checks and copies the lists.
   *
   * @throws WispException for a name that occurs twice or a class id beyond the classes
   */
  public Dataset {
    classNames = List.copyOf(classNames);
    samples = List.copyOf(samples);
    if (classNames.size() > MOST_CLASSES || new HashSet<>(classNames).size() < classNames.size()) {
      throw new WispException(
          FileErrors.oneLine(name + ": class names must differ and be at most " + MOST_CLASSES));
    }
    Set<String> ids = new HashSet<>();
    for (Sample sample : samples) {
      if (!ids.add(sample.id())) {
        throw new WispException(
            FileErrors.oneLine(name + ": the image '" + sample.id() + "' is listed twice"));
      }
      if (sample.labelled()) {
        int[] classes = sample.classes();
        if (classes.length > 0 && classes[classes.length - 1] > classNames.size()) {
          throw new WispException(
              "%s: image '%s' has class %d, there are %d classes"
                  .formatted(name, sample.id(), classes[classes.length - 1], classNames.size()));
        }
      }
    }
  }

  /** The name for people: of a list in VOC layout its folder and the list's name. */
  public String title() {
    return name.replaceFirst("/ImageSets/Segmentation/([^/]+)\\.txt$", ", $1");
  }

  /** The number of foreground classes, K. */
  public int classCount() {
    return classNames.size();
  }

  /** A class's name: 0 is "background", 1..K the classes. */
  public String className(int id) {
    return id == 0 ? "background" : classNames.get(id - 1);
  }

  /** A class's id, 1..K, or 0 for a name that is not among the classes. */
  public int classId(String className) {
    return classNames.indexOf(className) + 1;
  }

  /**
   * Decodes a sample's image.
   *
   * @throws WispException for a missing or damaged file
   */
  public Image image(Sample sample) {
    return ImageCodec.decode(sample.image(), upright);
  }

  /**
   * Reads a sample's mask.
   *
   * @throws WispException where it has none, and for a missing or damaged file
   */
  public Mask mask(Sample sample) {
    return sample
        .mask()
        .orElseThrow(() -> FileErrors.of(sample.image(), "has no mask to score against"))
        .read();
  }
}
