package dev.wisp.io;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * JPEG and PNG files as RGB pictures, decoded as Pillow's {@code convert("RGB")} does. The kind is
 * told from the content, not from the name. A missing, empty, truncated or damaged file, one that
 * is neither, and one above {@value #MOST_PIXELS} pixels is a {@link WispException} naming the
 * file. All methods may be called from several threads at once.
 */
public final class ImageCodec {
  /** More pixels than this are refused before memory is taken; Pillow's own limit. */
  public static final long MOST_PIXELS = 178_956_970;

  private static final long LONGEST_FILE = 1L << 30;
  private static final int PROBE = 1 << 16;

  private ImageCodec() {}

  /** Decodes a picture as stored: the orientation that a camera noted is ignored. */
  public static Image decode(Path file) {
    return decode(file, false);
  }

  /**
   * Decodes a picture.
   *
   * @param upright true turns it as its Exif data ask (a user's photographs); false leaves it as
   *     stored (VOC and COCO, whose masks fit the stored picture)
   */
  public static Image decode(Path file, boolean upright) {
    byte[] data = readAll(file);
    Image image;
    int orientation;
    if (JpegHeader.isJpeg(data)) {
      JpegHeader header = checked(file, JpegHeader.read(data, true));
      image = JpegDecoder.decode(file, data, header);
      orientation = header.orientation();
    } else if (PngDecoder.isPng(data)) {
      PngDecoder png = new PngDecoder(file, data).readChunks();
      image = PngPixels.rgb(png);
      orientation = png.orientation();
    } else {
      throw neither(file, data.length);
    }
    return upright ? ExifOrientation.apply(image, orientation) : image;
  }

  /** A picture's size as stored, from its header alone; the pixels may still prove damaged. */
  public static ImageSize size(Path file) {
    return size(file, false);
  }

  /** A picture's size from its header alone, see {@link #decode(Path, boolean)}. */
  public static ImageSize size(Path file, boolean upright) {
    byte[] data = readStart(file);
    if (PngDecoder.isPng(data)) {
      PngDecoder png = new PngDecoder(file, data);
      if (!upright) {
        return new ImageSize(png.width(), png.height());
      }
      png = new PngDecoder(file, readAll(file)).readChunks();
      return size(png.width(), png.height(), png.orientation());
    }
    if (!JpegHeader.isJpeg(data)) {
      throw neither(file, data.length);
    }
    JpegHeader header = JpegHeader.read(data, false);
    if (header == null && data.length == PROBE) {
      // A colour profile or thumbnail before the frame header is longer than the probe.
      header = JpegHeader.read(readAll(file), false);
    }
    header = checked(file, header);
    return size(header.width(), header.height(), upright ? header.orientation() : 1);
  }

  private static ImageSize size(int width, int height, int orientation) {
    return ExifOrientation.swapsSides(orientation)
        ? new ImageSize(height, width)
        : new ImageSize(width, height);
  }

  /** Writes an RGB PNG, whole or not at all. */
  public static void writePng(Path file, Image image) {
    AtomicFiles.write(file, out -> PngEncoder.rgb(out, image));
  }

  /**
   * A picture as a baseline JPEG with colour at full resolution.
   *
   * @param quality 1..100, libjpeg's scale
   */
  public static byte[] jpeg(Image image, int quality) {
    if (quality < 1 || quality > 100) {
      throw new IllegalArgumentException("JPEG quality " + quality + " is not within 1..100");
    }
    return JpegEncoder.encode(image, quality);
  }

  /**
   * Reads a mask: the indices of a palette PNG or the values of a grey one, of 1 to 16 bits, as
   * stored; labels above 255 are refused.
   */
  public static Mask readMask(Path file) {
    byte[] data = readAll(file);
    if (!PngDecoder.isPng(data)) {
      throw FileErrors.of(file, "not a PNG: masks are palette or grey PNGs");
    }
    return PngPixels.labels(file, new PngDecoder(file, data).readChunks());
  }

  /** Writes a mask as an 8-bit palette PNG in VOC's colours, whole or not at all. */
  public static void writeMask(Path file, Mask mask) {
    AtomicFiles.write(file, out -> PngEncoder.palette(out, mask, VocPalette.bytes()));
  }

  static void checkSize(Path file, int width, int height) {
    if (width < 1 || height < 1) {
      throw FileErrors.of(file, "damaged picture: its header gives " + width + "x" + height);
    }
    if ((long) width * height > MOST_PIXELS) {
      throw FileErrors.of(
          file,
          "picture of "
              + width
              + "x"
              + height
              + " pixels, more than "
              + MOST_PIXELS
              + ": scale it down first");
    }
  }

  private static JpegHeader checked(Path file, @Nullable JpegHeader header) {
    if (header == null) {
      throw FileErrors.of(file, "truncated or damaged JPEG: it has no frame header");
    }
    checkSize(file, header.width(), header.height());
    return header;
  }

  private static WispException neither(Path file, int length) {
    return FileErrors.of(file, length == 0 ? "empty file" : "neither a JPEG nor a PNG");
  }

  private static byte[] readAll(Path file) {
    try {
      long length = Files.size(file);
      if (length > LONGEST_FILE) {
        throw FileErrors.of(file, "a picture file of " + length + " bytes: more than 1 GiB");
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  private static byte[] readStart(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(PROBE);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }
}
