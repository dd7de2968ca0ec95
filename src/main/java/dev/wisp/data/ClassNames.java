package dev.wisp.data;

import dev.wisp.common.WispException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Lists of foreground classes. */
public final class ClassNames {
  /** The 20 classes of PASCAL VOC in their order. */
  public static final List<String> VOC =
      List.of(
          "aeroplane",
          "bicycle",
          "bird",
          "boat",
          "bottle",
          "bus",
          "car",
          "cat",
          "chair",
          "cow",
          "diningtable",
          "dog",
          "horse",
          "motorbike",
          "person",
          "pottedplant",
          "sheep",
          "sofa",
          "train",
          "tvmonitor");

  private ClassNames() {}

  /**
   * Reads a list of classes, one a line, either plain or with numbers in front ("1 person"); a
   * first line "background" (or "0 background") is left out.
   *
   * @throws WispException for an empty list, a name that occurs twice, numbers out of order
   */
  public static List<String> read(Path file) {
    List<TextLines.Line> lines = TextLines.read(file);
    if (lines.isEmpty()) {
      throw TextLines.problem(file, 1, "the list of classes is empty");
    }
    boolean numbered = lines.stream().allMatch(line -> line.text().matches("\\d{1,4}\\s+\\S.*"));
    int first = numbered ? number(lines.getFirst()) : 1;
    List<String> names = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      TextLines.Line line = lines.get(i);
      if (numbered && (first > 1 || number(line) != first + i)) {
        throw TextLines.problem(file, line.number(), "class numbers must count up from 0 or 1");
      }
      String name = numbered ? line.text().replaceFirst("\\d+\\s+", "") : line.text();
      if (i == 0 && name.equals("background")) {
        continue;
      }
      if (names.contains(name)) {
        throw TextLines.problem(file, line.number(), "the class '" + name + "' is listed twice");
      }
      names.add(name);
    }
    return List.copyOf(names);
  }

  private static int number(TextLines.Line line) {
    return Integer.parseInt(line.text().split("\\s", 2)[0]);
  }
}
