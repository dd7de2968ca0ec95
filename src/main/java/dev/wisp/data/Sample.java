package dev.wisp.data;

import dev.wisp.common.WispException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One image of a dataset: its name, its file, the classes it shows and its mask if there is one.
 */
public final class Sample {
  private final String id;
  private final Path image;
  private final int @Nullable [] classes;
  private final @Nullable MaskSource mask;

  /**
   * One image.
   *
   * @param id its name, unique in the dataset: the file name without its ending
   * @param image its file
   * @param classes ids 1..K of the classes it shows, in any order; null where nobody said, empty
   *     where it shows none
   * @param mask its pixels' labels, or null
   * @throws IllegalArgumentException for an id below 1 or twice the same
   */
  public Sample(String id, Path image, int @Nullable [] classes, @Nullable MaskSource mask) {
    this.id = id;
    this.image = image;
    this.mask = mask;
    this.classes = classes == null ? null : classes.clone();
    if (this.classes != null) {
      Arrays.sort(this.classes);
      for (int i = 0; i < this.classes.length; i++) {
        if (this.classes[i] < 1 || (i > 0 && this.classes[i] == this.classes[i - 1])) {
          throw new IllegalArgumentException(
              "sample " + id + ": class ids " + Arrays.toString(this.classes));
        }
      }
    }
  }

  /** The image's name, unique in its dataset. */
  public String id() {
    return id;
  }

  /** The image file. */
  public Path image() {
    return image;
  }

  /** Whether the image-level labels are known. */
  public boolean labelled() {
    return classes != null;
  }

  /**
   * The classes that the image shows, ids 1..K ascending; a new array each time.
   *
   * @throws WispException where the labels are not known
   */
  public int[] classes() {
    if (classes == null) {
      throw new WispException(image + ": has no image-level labels");
    }
    return classes.clone();
  }

  /** The pixels' labels: 0 background, 1..K, 255 void. */
  public Optional<MaskSource> mask() {
    return Optional.ofNullable(mask);
  }

  @Override
  public String toString() {
    return "Sample[" + id + ", " + Arrays.toString(classes) + "]";
  }
}
