package dev.wisp.data.synth;

import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Writes the synthetic dataset in VOC layout: {@code JPEGImages/} (lossless PNG in spite of the
 * folder's name, so that pixels do not depend on an encoder), {@code SegmentationClass/}, {@code
 * ImageSets/Segmentation/train.txt} and {@code val.txt}, {@code labels.csv}, {@code classes.txt}.
 */
public final class SynthDataset {
  private static final int WRITERS = 8;
  private static final String[] SHAPES = {"rows", "rings", "columns", "diamonds", "checks"};

  private SynthDataset() {}

  /**
   * Writes it; {@code classes.txt} last, so an interrupted attempt is seen as none.
   *
   * @throws dev.wisp.common.WispException if the folder holds a dataset already
   */
  public static void write(SynthOptions options, Path folder) {
    if (Files.exists(folder.resolve("classes.txt"))) {
      throw FileErrors.of(folder, "holds a dataset already; name another folder or remove it");
    }
    StringBuilder labels = new StringBuilder("image,labels\n");
    subset(options, folder, 0, "train", options.train(), labels);
    subset(options, folder, 1, "val", options.scored(), labels);
    AtomicFiles.writeString(folder.resolve("labels.csv"), labels.toString());
    AtomicFiles.writeString(
        folder.resolve("classes.txt"),
        IntStream.rangeClosed(1, options.classes())
            .mapToObj(id -> className(id) + "\n")
            .collect(Collectors.joining()));
  }

  /** Name of a class id (1..10). */
  public static String className(int id) {
    return (id > SHAPES.length ? "wide-" : "") + SHAPES[(id - 1) % SHAPES.length];
  }

  private static void subset(
      SynthOptions options, Path folder, int subset, String list, int count, StringBuilder labels) {
    List<Future<int[]>> drawings = new ArrayList<>();
    // More threads than cores: each file is synced to the disk, which is mostly waiting.
    try (ExecutorService threads = Executors.newFixedThreadPool(WRITERS)) {
      for (int i = 0; i < count; i++) {
        int index = i;
        drawings.add(threads.submit(() -> draw(options, folder, subset, list, index)));
      }
    }
    StringBuilder names = new StringBuilder();
    for (int i = 0; i < count; i++) {
      names.append(name(list, i)).append('\n');
      labels
          .append(name(list, i))
          .append(',')
          .append(
              IntStream.of(get(drawings.get(i)))
                  .mapToObj(SynthDataset::className)
                  .collect(Collectors.joining(";")))
          .append('\n');
    }
    AtomicFiles.writeString(
        folder.resolve("ImageSets/Segmentation").resolve(list + ".txt"), names.toString());
  }

  private static int[] draw(SynthOptions options, Path folder, int subset, String list, int index) {
    Scene.Drawing drawing = Scene.draw(options, subset, index);
    String file = name(list, index) + ".png";
    int size = options.size();
    ImageCodec.writePng(
        folder.resolve("JPEGImages").resolve(file), new Image(size, size, drawing.rgb()));
    ImageCodec.writeMask(
        folder.resolve("SegmentationClass").resolve(file), new Mask(size, size, drawing.mask()));
    return drawing.classIds();
  }

  private static int[] get(Future<int[]> drawing) {
    try {
      return drawing.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while drawing", e);
    }
  }

  private static String name(String list, int index) {
    return "%s_%06d".formatted(list, index);
  }
}
