package dev.wisp.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.ImageSize;
import dev.wisp.io.Mask;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The release's own lists and labels, and real photographs, where they are at hand. */
class ReleaseFilesTest {
  private final Path shared = Path.of(System.getProperty("wisp.shared", "../shared"));

  @BeforeEach
  void needsTheFiles() {
    assumeTrue(
        Files.isDirectory(shared.resolve("voc")) && Files.isDirectory(shared.resolve("photos")),
        () -> "no folders voc and photos in " + shared + " (-Dwisp.shared=DIR)");
  }

  @Test
  void everyListedImageHasLabels() {
    NumpyLabels labels = NumpyLabels.read(shared.resolve("voc/cls_labels_voc.npy"), 20);
    for (String list : List.of("train_voc", "trainaug_voc", "val_voc")) {
      List<ImageList.Entry> entries = ImageList.read(shared.resolve("voc/" + list + ".txt"));
      assertThat(entries).allSatisfy(e -> assertThat(labels.of(e.id())).isNotEmpty());
      assertThat(entries.getFirst().maskPath()).startsWith("/SegmentationClassAug/");
    }
    assertThat(ImageList.read(shared.resolve("voc/trainaug_voc.txt"))).hasSize(10_582);
    // 2007_000032 shows aeroplanes and persons.
    assertThat(labels.of("2007_000032")).containsExactly(1, 15);
    assertThat(labels.of("no such image")).isNull();
    assertThatThrownBy(() -> NumpyLabels.read(shared.resolve("voc/cls_labels_voc.npy"), 80))
        .hasMessageContaining("has 20 values, there are 80 classes");
  }

  @Test
  void theOtherListsAreRead() {
    assertThat(ImageList.read(shared.resolve("voc/test.txt")))
        .hasSize(1456)
        .allSatisfy(e -> assertThat(e.maskPath()).isNull());
    assertThat(ImageList.read(shared.resolve("voc/train_coco.head100.txt")).getFirst().id())
        .isEqualTo("COCO_train2014_000000000009");
    assertThat(ClassNames.read(shared.resolve("voc/labels_coco.txt")))
        .hasSize(80)
        .startsWith("person")
        .endsWith("toothbrush");
  }

  @Test
  void everyPhotographDecodesAndItsMaskAgreesWithItsLabels() {
    Dataset data = Datasets.open(shared.resolve("photos"), null);
    assertThat(data.classCount()).isEqualTo(80);
    assertThat(data.samples()).isNotEmpty();
    for (Sample sample : data.samples()) {
      Image image = data.image(sample);
      Mask mask = data.mask(sample);
      assertThat(ImageCodec.size(sample.image()))
          .isEqualTo(new ImageSize(image.width(), image.height()))
          .isEqualTo(new ImageSize(mask.width(), mask.height()));
      TreeSet<Integer> seen = new TreeSet<>();
      for (byte label : mask.index()) {
        seen.add(label & 0xFF);
      }
      seen.removeAll(List.of(0, Mask.VOID));
      assertThat(Arrays.stream(sample.classes()).boxed()).as(sample.id()).containsAll(seen);
    }
  }
}
