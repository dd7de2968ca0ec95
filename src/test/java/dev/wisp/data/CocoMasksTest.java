package dev.wisp.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Masks drawn from instances against masks drawn by hand, one character a pixel. */
class CocoMasksTest {
  @TempDir private Path root;

  @Test
  void aPolygonTakesThePixelsWhoseCentresItHolds() {
    assertThat(drawn(polygon(1, 1, 4, 1, 4, 3, 1, 3)))
        .isEqualTo(
            """
            ......
            .###..
            .###..
            ......
            """);
    // Edges through 1.5 and 3.5: the left one keeps its column's centre, the right one does not.
    assertThat(drawn(polygon(1.5f, 0.4f, 3.5f, 0.4f, 3.5f, 2.6f, 1.5f, 2.6f)))
        .isEqualTo(
            """
            .##...
            .##...
            .##...
            ......
            """);
    assertThat(drawn(polygon(0, 0, 6, 0, 0, 6)))
        .isEqualTo(
            """
            #####.
            ####..
            ###...
            ##....
            """);
  }

  @Test
  void aPolygonMayCrossItselfLeaveTheImageOrHaveNoArea() {
    // A bow tie: two triangles that meet in the middle.
    assertThat(drawn(polygon(0, 0, 6, 4, 6, 0, 0, 4)))
        .isEqualTo(
            """
            #....#
            ###.##
            ###.##
            #....#
            """
                .replace("###.##", "##..##"));
    assertThat(drawn(polygon(-9, -9, 2, -9, 2, 99, -9, 99)))
        .isEqualTo("##....\n##....\n##....\n##....\n");
    assertThat(drawn(polygon(2, 2, 4, 2))).doesNotContain("#");
    assertThat(drawn(polygon())).doesNotContain("#");
  }

  @Test
  void severalPolygonsAreOneInstanceWhereverOneOfThemLies() {
    CocoShape two =
        CocoShape.polygons(
            1, List.of(new float[] {0, 0, 3, 0, 3, 2, 0, 2}, new float[] {2, 1, 5, 1, 5, 4, 2, 4}));
    assertThat(text(two.pixels(6, 4)))
        .isEqualTo(
            """
            ###...
            #####.
            ..###.
            ..###.
            """);
  }

  @Test
  void runLengthsGoDownTheColumnsAndBeginOutside() {
    // 5 out, 3 in, 4 out, 2 in, 10 out: columns of four.
    int[] counts = {5, 3, 4, 2, 10};
    String expected =
        """
        ...#..
        .#.#..
        .#....
        .#....
        """;
    assertThat(text(CocoShape.runs(1, 6, 4, counts).pixels(6, 4))).isEqualTo(expected);
    // From the fourth on the difference to the one two before: 5, 3, 4, -1, 6.
    assertThat(CocoShape.counts("534O6")).containsExactly(counts);
    // 100 takes two groups of five bits; 16 too, or its highest bit would be a sign.
    assertThat(CocoShape.counts("T3")).containsExactly(100);
    assertThat(CocoShape.counts("`0")).containsExactly(16);
    assertThat(CocoShape.counts("")).isEmpty();
  }

  @Test
  void brokenRunLengthsAreRefused() {
    assertThatThrownBy(() -> CocoShape.counts("T")).hasMessageContaining("cut off");
    assertThatThrownBy(() -> CocoShape.counts("ooooooooo1")).hasMessageContaining("cut off");
    assertThatThrownBy(() -> CocoShape.counts(" ")).hasMessageContaining("wrong character");
    for (int[] counts : new int[][] {{25}, {23}, {30, -6}, {-1, 25}, {Integer.MAX_VALUE, 1}}) {
      assertThatThrownBy(() -> CocoShape.runs(1, 6, 4, counts).pixels(6, 4))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("run lengths");
    }
    assertThatThrownBy(() -> CocoShape.runs(1, 4, 6, new int[] {24}).pixels(6, 4))
        .hasMessageContaining("4x6 pixels for an image of 6x4");
  }

  @Test
  void theSmallerInstanceIsSeenAndOfEqualOnesTheLater() {
    Dataset data =
        coco(
            """
            {"id": 1, "image_id": 5, "category_id": 30, "segmentation": [[2, 1, 4, 1, 4, 3, 2, 3]]},
            {"id": 2, "image_id": 5, "category_id": 7, "segmentation": [[0, 0, 5, 0, 5, 4, 0, 4]]},
            {"id": 3, "image_id": 5, "category_id": 12, "iscrowd": 1,
             "segmentation": {"size": [4, 6], "counts": [20, 4]}},
            {"id": 4, "image_id": 5, "category_id": 30,
             "segmentation": {"size": [4, 6], "counts": "d04"}}
            """);
    Mask mask = data.mask(data.samples().getFirst());
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 24; i++) {
      text.append(mask.index()[i]).append(i % 6 == 5 ? "\n" : "");
    }
    // Categories 7, 12, 30 are classes 1, 2, 3.
    assertThat(text)
        .hasToString(
            """
            111113
            113313
            113313
            111113
            """);
    assertThat(data.samples().getFirst().classes()).containsExactly(1, 2, 3);
  }

  @Test
  void anImageWithoutInstancesIsBackground() {
    Dataset data = coco("");
    assertThat(data.mask(data.samples().getFirst()).index()).containsOnly(0);
  }

  @Test
  void whatCannotBeDrawnIsNamed() {
    assertProblem("", "annotation 8 of image 'a': has no segmentation");
    assertProblem(", \"segmentation\": []", "has no segmentation");
    assertProblem(", \"segmentation\": [[1, 2, 3]]", "not a list of x, y pairs");
    assertProblem(", \"segmentation\": [[1, \"x\"]]", "something that is not a number");
    assertProblem(
        ", \"segmentation\": {\"size\": [6, 4], \"counts\": [24]}",
        "4x6 pixels for an image of 6x4");
    assertProblem(
        ", \"segmentation\": {\"size\": [4, 6], \"counts\": [23]}", "do not fill the image");
    assertProblem(", \"segmentation\": {\"size\": [4, 6], \"counts\": \"T\"}", "cut off");
  }

  private void assertProblem(String segmentation, String problem) {
    Dataset data = coco("{\"id\": 8, \"image_id\": 5, \"category_id\": 7" + segmentation + "}");
    assertThatThrownBy(() -> data.mask(data.samples().getFirst()))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("instances_val2017.json")
        .hasMessageContaining(problem)
        .hasMessageNotContaining("\n");
  }

  private Dataset coco(String annotations) {
    ImageCodec.writePng(root.resolve("val2017/a.png"), new Image(6, 4, new byte[72]));
    AtomicFiles.writeString(
        root.resolve("annotations/instances_val2017.json"),
        """
        {"images": [{"id": 5, "file_name": "a.png", "width": 6, "height": 4}],
         "annotations": [%s],
         "categories": [{"id": 30, "name": "z"}, {"id": 7, "name": "x"}, {"id": 12, "name": "y"}]}
        """
            .formatted(annotations));
    return Datasets.open(root, "val");
  }

  private static CocoShape polygon(float... numbers) {
    return CocoShape.polygons(1, List.of(numbers));
  }

  private static String drawn(CocoShape shape) {
    return text(shape.pixels(6, 4));
  }

  private static String text(BitSet pixels) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 24; i++) {
      text.append(pixels.get(i) ? '#' : '.').append(i % 6 == 5 ? "\n" : "");
    }
    return text.toString();
  }
}
