package dev.wisp.data.synth;

import dev.wisp.common.WispException;

/**
 * What {@code wisp synth} draws.
 *
 * @param size side of the square images in pixels, 48..1024
 * @param train number of training images, at least 1
 * @param scored number of images with masks for scoring, at least 1
 * @param classes foreground classes, 2..10
 * @param seed decides every pixel
 * @param decoys probability 0..1 that an object in an image of two or more classes bears a small
 *     patch of another class's pattern: a wrong seed, planted on purpose
 */
public record SynthOptions(int size, int train, int scored, int classes, long seed, double decoys) {
  public SynthOptions {
    require("size", size, 48, 1024);
    require("train", train, 1, 999_999);
    require("scored", scored, 1, 999_999);
    require("classes", classes, 2, PartPattern.COUNT);
    if (!(decoys >= 0 && decoys <= 1)) {
      throw new WispException("synth: decoys is %s; give a probability in 0..1".formatted(decoys));
    }
  }

  /** Images without decoys. */
  public SynthOptions(int size, int train, int scored, int classes, long seed) {
    this(size, train, scored, classes, seed, 0);
  }

  /** The demo's dataset: five classes, 600 training and 200 scored images of 128 x 128. */
  public static SynthOptions demo() {
    return new SynthOptions(128, 600, 200, 5, 15);
  }

  private static void require(String name, int value, int low, int high) {
    if (value < low || value > high) {
      throw new WispException(
          "synth: %s is %d, but must be in %d..%d".formatted(name, value, low, high));
    }
  }
}
