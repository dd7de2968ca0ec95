package dev.wisp.io;

import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** The JDK's JPEG reader, used for its rasters alone: its colour conversions are not Pillow's. */
final class JpegRasters {
  /** Decoded samples as stored, and the texts of the decoder's warnings. */
  record Decoded(Raster raster, List<String> warnings) {}

  private JpegRasters() {}

  static Decoded read(byte[] data) throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName("jpeg").next();
    List<String> warnings = new ArrayList<>();
    try (var in = new MemoryCacheImageInputStream(new ByteArrayInputStream(data))) {
      IIOReadWarningListener listener = (source, warning) -> warnings.add(warning);
      reader.addIIOReadWarningListener(listener);
      reader.setInput(in, true, true);
      return new Decoded(reader.readRaster(0, null), warnings);
    } catch (RuntimeException e) {
      throw new IOException("the decoder gave up: " + e.getMessage(), e);
    } finally {
      reader.dispose();
    }
  }
}
