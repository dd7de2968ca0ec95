package dev.wisp.data.loader;

import dev.wisp.data.Dataset;
import dev.wisp.io.Image;

/** Numbered images with image-level labels. Called from several threads. */
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

  /** A dataset's samples; all must be labelled. */
  static SampleSource of(Dataset dataset) {
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
    };
  }
}
