package dev.wisp.data;

import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds datasets on disk: VOC layout, COCO layout, a folder with a {@code labels.csv}, a folder of
 * pictures. What a list names must exist: the first file that does not is named with its line.
 */
public final class Datasets {
  private static final String PICTURES = "JPEGImages";
  private static final String CLASSES = "classes.txt";
  private static final String CSV = "labels.csv";

  private Datasets() {}

  /**
   * Opens a folder by what lies in it. A {@code JPEGImages} folder makes it VOC layout (without the
   * list, but with a {@code labels.csv}, all images of that); a {@code labels.csv} alone a labelled
   * folder; {@code annotations/instances_NAME.json} COCO layout.
   *
   * @param list in VOC layout the name of a list below {@code ImageSets/Segmentation} (without
   *     .txt) or a list file; in COCO layout the NAME or its beginning; null for {@code train} in
   *     both; in a folder null
   * @throws WispException where none of these is there
   */
  public static Dataset open(Path root, @Nullable String list) {
    boolean csv = Files.isRegularFile(root.resolve(CSV));
    if (Files.isDirectory(root.resolve(PICTURES))) {
      return list == null && !hasLists(root)
          ? folder(root)
          : voc(root, list == null ? "train" : list, null, null);
    }
    if (csv) {
      if (list != null) {
        throw FileErrors.of(root, "a folder with a labels.csv has no lists ('" + list + "')");
      }
      return folder(root);
    }
    if (Files.isDirectory(root.resolve("annotations"))) {
      return CocoLayout.open(root, list);
    }
    throw FileErrors.of(
        root,
        Files.isDirectory(root)
            ? "not a dataset: it holds no JPEGImages, labels.csv or annotations/instances_*.json"
            : "no such folder");
  }

  /** Whether a folder's layout has lists of images, of which {@link #open} takes one. */
  public static boolean hasLists(Path root) {
    boolean csv = Files.isRegularFile(root.resolve(CSV));
    return Files.isDirectory(root.resolve(PICTURES))
        ? !csv || Files.isRegularFile(root.resolve("ImageSets/Segmentation/train.txt"))
        : !csv && Files.isDirectory(root.resolve("annotations"));
  }

  /**
   * VOC layout: {@code JPEGImages}, {@code SegmentationClass} (or {@code SegmentationClassAug}),
   * {@code ImageSets/Segmentation/LIST.txt}.
   *
   * @param list name of a list (without .txt) or a list file
   * @param classNames the foreground classes; null for {@code classes.txt} in the folder, else
   *     VOC's
   * @param labels the image-level labels; null for {@code labels.csv}, else {@code
   *     cls_labels_voc.npy}, else {@code Annotations}, whichever is first in the folder; an image
   *     that they do not know is unlabelled
   */
  public static Dataset voc(
      Path root, String list, @Nullable List<String> classNames, @Nullable ImageLabels labels) {
    List<String> names = classNames == null ? classNames(root) : classNames;
    ImageLabels source = labels == null ? vocLabels(root, names) : labels;
    Path listFile = listFile(root, list);
    List<Sample> samples = new ArrayList<>();
    for (ImageList.Entry entry : ImageList.read(listFile)) {
      String listed = entry.imagePath();
      Path image =
          listed == null
              ? ImageList.find(root.resolve(PICTURES), entry.id())
              : ImageList.below(root, listed);
      if (image == null || !Files.isRegularFile(image)) {
        throw TextLines.problem(
            listFile,
            entry.line(),
            "no picture '" + (listed == null ? entry.id() : listed) + "' in " + root);
      }
      int[] classes = source == null ? null : source.of(entry.id());
      samples.add(new Sample(entry.id(), image, classes, vocMask(root, entry)));
    }
    return new Dataset(listFile.toString(), names, samples, false);
  }

  private static List<String> classNames(Path root) {
    Path file = root.resolve(CLASSES);
    return Files.isRegularFile(file) ? ClassNames.read(file) : ClassNames.VOC;
  }

  private static @Nullable ImageLabels vocLabels(Path root, List<String> classNames) {
    Path csv = root.resolve(CSV);
    if (Files.isRegularFile(csv)) {
      return CsvLabels.read(csv, classNames);
    }
    Path numpy = root.resolve("cls_labels_voc.npy");
    if (Files.isRegularFile(numpy)) {
      return NumpyLabels.read(numpy, classNames.size());
    }
    Path annotations = root.resolve("Annotations");
    return Files.isDirectory(annotations) ? new VocAnnotations(annotations, classNames) : null;
  }

  private static @Nullable MaskSource vocMask(Path root, ImageList.Entry entry) {
    String listed = entry.maskPath();
    Path mask = listed == null ? null : ImageList.below(root, listed);
    if (mask != null && Files.isRegularFile(mask)) {
      return MaskSource.file(mask);
    }
    for (String folder : List.of("SegmentationClass", "SegmentationClassAug")) {
      mask = ImageList.below(root.resolve(folder), entry.id() + ".png");
      if (mask != null && Files.isRegularFile(mask)) {
        return MaskSource.file(mask);
      }
    }
    return null;
  }

  private static Path listFile(Path root, String list) {
    Path named = ImageList.below(root.resolve("ImageSets/Segmentation"), list + ".txt");
    if (named != null && Files.isRegularFile(named)) {
      return named;
    }
    Path file = Path.of(list);
    if (Files.isRegularFile(file)) {
      return file;
    }
    throw FileErrors.of(
        root, "no list '" + list + "': neither in ImageSets/Segmentation nor a file of its own");
  }

  /**
   * A folder with a {@code labels.csv}; pictures lie in it, in {@code images} or in {@code
   * JPEGImages}, masks (if any) in {@code masks}, classes in {@code classes.txt} or else those of
   * the CSV in alphabetic order. Pictures are turned as their Exif data ask.
   */
  public static Dataset folder(Path root) {
    Path csv = root.resolve(CSV);
    Path classes = root.resolve(CLASSES);
    CsvLabels labels =
        CsvLabels.read(csv, Files.isRegularFile(classes) ? ClassNames.read(classes) : null);
    if (labels.rows().isEmpty()) {
      throw FileErrors.of(csv, "lists no images");
    }
    List<Sample> samples = new ArrayList<>();
    for (Map.Entry<String, CsvLabels.Row> entry : labels.rows().entrySet()) {
      CsvLabels.Row row = entry.getValue();
      Path image = ImageList.find(root, row.image());
      for (String below : List.of("images", PICTURES)) {
        image = image == null ? ImageList.find(root.resolve(below), row.image()) : image;
      }
      if (image == null) {
        throw TextLines.problem(csv, row.line(), "no picture '" + row.image() + "' in " + root);
      }
      String id = entry.getKey();
      Path mask = ImageList.below(root.resolve("masks"), id + ".png");
      samples.add(
          new Sample(
              id,
              image,
              labels.of(id),
              mask != null && Files.isRegularFile(mask) ? MaskSource.file(mask) : null));
    }
    return new Dataset(root.toString(), labels.classNames(), samples, true);
  }

  /**
   * All pictures of a folder by name, unlabelled, turned as their Exif data ask.
   *
   * @throws WispException where there is none, or two differ only in their ending
   */
  public static Dataset pictures(Path root, List<String> classNames) {
    List<Sample> samples = new ArrayList<>();
    try (Stream<Path> files = Files.list(root)) {
      files
          .filter(file -> Files.isRegularFile(file) && ImageList.isPicture(file))
          .sorted()
          .forEach(
              file ->
                  samples.add(
                      new Sample(
                          ImageList.stem(String.valueOf(file.getFileName())), file, null, null)));
    } catch (IOException e) {
      throw FileErrors.reading(root, e);
    }
    if (samples.isEmpty()) {
      throw FileErrors.of(root, "holds no JPEG or PNG file");
    }
    return new Dataset(root.toString(), classNames, samples, true);
  }
}
