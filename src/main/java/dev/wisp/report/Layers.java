package dev.wisp.report;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.data.transform.Resizing;
import dev.wisp.data.transform.Sizes;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.io.NpzFile;
import dev.wisp.io.TensorFile;
import dev.wisp.pipeline.Overlay;
import dev.wisp.pipeline.Showcase;
import dev.wisp.report.ReportData.Layer;
import dev.wisp.report.ReportData.Picture;
import dev.wisp.report.RunLayout.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Draws what every stage made of an image, at a size that suits a page. */
final class Layers {
  /** Longer side of a picture in the page, in pixels; smaller images keep their size. */
  static final int LONG_SIDE = 320;

  private static final int QUALITY = 85;

  private final Dataset data;
  private final List<RunLayout.Source> sources;
  private final Map<String, String> unusable;

  /**
   * Draws images of a dataset.
   *
   * @param unusable gets what cannot be read, with the reason
   */
  Layers(Dataset data, List<RunLayout.Source> sources, Map<String, String> unusable) {
    this.data = data;
    this.sources = sources;
    this.unusable = unusable;
  }

  /**
   * One image with all layers whose files are there.
   *
   * @throws WispException if the image itself cannot be read
   */
  Picture draw(Showcase.Shown<Sample> shown) {
    Sample sample = shown.value();
    Image image = data.image(sample);
    if (Math.max(image.width(), image.height()) > LONG_SIDE) {
      image = Resizing.to(image, Sizes.longSide(image.height(), image.width(), LONG_SIDE));
    }
    List<Layer> layers = new ArrayList<>();
    layers.add(new Layer("Image", ImageCodec.jpeg(image, QUALITY)));
    for (RunLayout.Source source : sources) {
      if (source.kind() != Kind.PREDICTIONS) {
        add(layers, source, sample, image);
      }
    }
    if (sample.mask().isPresent()) {
      try {
        layers.add(new Layer("Truth", labels(image, data.mask(sample))));
      } catch (WispException damaged) {
        unusable.put(sample.id(), String.valueOf(damaged.getMessage()));
      }
    }
    for (RunLayout.Source source : sources) {
      if (source.kind() == Kind.PREDICTIONS) {
        add(layers, source, sample, image);
      }
    }
    return new Picture(
        shown.why(),
        sample.id(),
        sample.labelled()
            ? Arrays.stream(sample.classes()).mapToObj(data::className).toList()
            : List.of(),
        shown.score(),
        image.width(),
        image.height(),
        layers);
  }

  private void add(List<Layer> layers, RunLayout.Source source, Sample sample, Image image) {
    try {
      if (source.kind() == Kind.MAPS) {
        Path file = source.folder().resolve(sample.id() + ".npz");
        if (Files.isRegularFile(file)) {
          layers.add(new Layer(source.name(), maps(image, file)));
        }
      } else {
        Path file = LabelScores.file(source.folder(), sample);
        if (Files.isRegularFile(file)) {
          layers.add(new Layer(source.name(), labels(image, ImageCodec.readMask(file))));
        }
      }
    } catch (WispException damaged) {
      unusable.put(sample.id(), String.valueOf(damaged.getMessage()));
    }
  }

  private static byte[] labels(Image image, Mask mask) {
    byte[] label = new byte[image.width() * image.height()];
    for (int y = 0; y < image.height(); y++) {
      int from = nearest(y, image.height(), mask.height());
      for (int x = 0; x < image.width(); x++) {
        label[y * image.width() + x] =
            (byte) mask.at(nearest(x, image.width(), mask.width()), from);
      }
    }
    return jpeg(image, Overlay.labels(image.rgb(), label));
  }

  private static byte[] maps(Image image, Path file) {
    try (TensorFile maps = NpzFile.open(file)) {
      int[] ids =
          maps.names().stream()
              .filter(name -> name.matches("\\d{1,3}"))
              .mapToInt(Integer::parseInt)
              .toArray();
      float[][] each = new float[ids.length][];
      for (int k = 0; k < ids.length; k++) {
        String name = Integer.toString(ids[k]);
        long[] shape = maps.shape(name);
        if (shape.length != 2 || shape[0] < 1 || shape[1] < 1) {
          throw new WispException(file + ": the map " + name + " is not of two dimensions");
        }
        each[k] = sampled(maps.floats(name), (int) shape[0], (int) shape[1], image);
      }
      return jpeg(image, Overlay.heat(image.rgb(), each, ids));
    }
  }

  private static float[] sampled(float[] map, int height, int width, Image image) {
    float[] sampled = new float[image.width() * image.height()];
    for (int y = 0; y < image.height(); y++) {
      int from = nearest(y, image.height(), height) * width;
      for (int x = 0; x < image.width(); x++) {
        sampled[y * image.width() + x] = map[from + nearest(x, image.width(), width)];
      }
    }
    return sampled;
  }

  /**
   * The pixel of {@code length} whose centre lies nearest to that of pixel {@code at} of {@code
   * shown}.
   */
  private static int nearest(int at, int shown, int length) {
    return (int) ((2L * at + 1) * length / (2L * shown));
  }

  private static byte[] jpeg(Image image, byte[] rgb) {
    return ImageCodec.jpeg(new Image(image.width(), image.height(), rgb), QUALITY);
  }
}
