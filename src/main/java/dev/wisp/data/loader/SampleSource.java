package dev.wisp.data.loader;

import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.Image;
import dev.wisp.io.Mask;
import org.jspecify.annotations.Nullable;

/** Numbered images with labels. Called from several threads. */
public interface SampleSource {
  /** Number of images. */
  int size();

  /** How an image is called in messages. */
  String name(int index);

  /** Class ids (1..K) that the image carries, ascending; may be empty. */
  int[] labels(int index);

  /**
   * Decodes an image.
   *
   * @throws dev.wisp.common.WispException if the file is missing or damaged
   */
  Image image(int index);

  /**
   * Reads the label of every pixel of an image.
   *
   * @param image the decoded image; the mask has its size
   * @return null in a source of images that are labelled as a whole
   * @throws dev.wisp.common.WispException if the file is missing, damaged or of another size
   */
  default @Nullable Mask mask(int index, Image image) {
    return null;
  }

  /** Reads masks. Called from several threads. */
  @FunctionalInterface
  interface Masks {
    /** The mask of a sample; see {@link SampleSource#mask}. */
    @Nullable Mask read(Sample sample, Image image);
  }

  /** A dataset's samples, labelled as a whole; all must be labelled. */
  static SampleSource of(Dataset dataset) {
    return of(dataset, (sample, image) -> null);
  }

  /** A dataset's samples with the labels of their pixels; all must be labelled. */
  static SampleSource of(Dataset dataset, Masks masks) {
    int[][] labels = new int[dataset.samples().size()][];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = dataset.samples().get(i).classes();
    }
    return new SampleSource() {
      @Override
      public int size() {
        return labels.length;
      }

      @Override
      public String name(int index) {
        return dataset.samples().get(index).id();
      }

      @Override
      public int[] labels(int index) {
        return labels[index].clone();
      }

      @Override
      public Image image(int index) {
        return dataset.image(dataset.samples().get(index));
      }

      @Override
      public @Nullable Mask mask(int index, Image image) {
        return masks.read(dataset.samples().get(index), image);
      }
    };
  }
}
