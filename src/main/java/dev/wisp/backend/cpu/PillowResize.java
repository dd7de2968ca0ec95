package dev.wisp.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Resizing of 8-bit images as Pillow does it, bit for bit, on the calling thread: any thread may
 * call it, any number at the same time, with or without an open backend.
 */
public final class PillowResize {
  private static final int LARGEST_SIDE = 1 << 24;

  private PillowResize() {}

  /**
   * Bicubic resizing (a = -0.5, antialiased when shrinking), horizontally and then vertically; an
   * axis whose size does not change is left alone.
   *
   * @param image interleaved {@code [h, w, c]}
   * @return a new array {@code [outH, outW, c]}
   * @throws IllegalArgumentException if a size is less than 1 or the image has another length
   * @throws dev.wisp.common.WispException in one line, if the native library cannot be loaded
   */
  public static byte[] bicubic(byte[] image, int h, int w, int c, int outH, int outW) {
    return resize("PillowResize.bicubic", image, h, w, c, outH, outW, true);
  }

  /**
   * Nearest neighbour, for label masks.
   *
   * @param mask {@code [h, w]}
   * @return a new array {@code [outH, outW]}
   * @throws IllegalArgumentException if a size is less than 1 or the mask has another length
   * @throws dev.wisp.common.WispException in one line, if the native library cannot be loaded
   */
  public static byte[] nearest(byte[] mask, int h, int w, int outH, int outW) {
    return resize("PillowResize.nearest", mask, h, w, 1, outH, outW, false);
  }

  private static byte[] resize(
      String operation, byte[] source, int h, int w, int c, int outH, int outW, boolean smooth) {
    String sizes = " ([%d, %d, %d] to [%d, %d, %d])".formatted(h, w, c, outH, outW, c);
    for (int size : new int[] {h, w, c, outH, outW}) {
      if (size < 1 || size > LARGEST_SIDE) {
        throw new IllegalArgumentException(
            operation + ": sizes must be in 1.." + LARGEST_SIDE + sizes);
      }
    }
    if ((long) h * w > source.length / c || (long) h * w * c != source.length) {
      throw new IllegalArgumentException(
          operation + ": the source has " + source.length + " bytes" + sizes);
    }
    if ((long) outH * outW > (Integer.MAX_VALUE - 8) / c) {
      throw new IllegalArgumentException(operation + ": the result is too large" + sizes);
    }
    NativeRuntime.load(Runtime.getRuntime().availableProcessors());
    /* Copies, not Linker.Option.critical: a resize takes long enough to hold up a collection. */
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment from = arena.allocate(source.length);
      MemorySegment.copy(source, 0, from, ValueLayout.JAVA_BYTE, 0, source.length);
      byte[] result = new byte[outH * outW * c];
      MemorySegment to = arena.allocate(result.length);
      int status;
      if (smooth) {
        status =
            (int)
                NativeKernels.PILLOW_BICUBIC.invokeExact(
                    from, (long) h, (long) w, (long) c, to, (long) outH, (long) outW);
      } else {
        status =
            (int)
                NativeKernels.PILLOW_NEAREST.invokeExact(
                    from, (long) h, (long) w, to, (long) outH, (long) outW);
      }
      NativeStatus.check(status, operation, () -> sizes);
      MemorySegment.copy(to, ValueLayout.JAVA_BYTE, 0, result, 0, result.length);
      return result;
    } catch (RuntimeException | Error refused) {
      throw refused;
    } catch (Throwable impossible) {
      throw new AssertionError(operation, impossible);
    }
  }
}
