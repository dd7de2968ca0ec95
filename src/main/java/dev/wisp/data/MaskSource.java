package dev.wisp.data;

import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import java.nio.file.Path;

/** Where the pixel labels of one image come from; its text names the place, for messages. */
public interface MaskSource {
  /**
   * Reads or draws the mask.
   *
   * @throws dev.wisp.common.WispException for a missing or damaged file
   */
  Mask read();

  /** A palette or grey PNG whose values are the labels. */
  static MaskSource file(Path file) {
    return new MaskSource() {
      @Override
      public Mask read() {
        return ImageCodec.readMask(file);
      }

      @Override
      public String toString() {
        return file.toString();
      }
    };
  }
}
