package dev.wisp.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetsTest {
  @TempDir Path root;

  @Test
  void aVocFolderIsReadByItsPlainList() {
    picture("JPEGImages/a 1.png");
    picture("JPEGImages/2007_000032.png");
    ImageCodec.writeMask(
        root.resolve("SegmentationClass/2007_000032.png"), new Mask(2, 1, new byte[] {1, -1}));
    text("ImageSets/Segmentation/train.txt", "\uFEFF2007_000032\r\n\n a 1 \n");
    text("Annotations/2007_000032.xml", annotation("cat", "person", "cat"));
    Dataset data = Datasets.open(root, null);
    assertThat(data.samples()).extracting(Sample::id).containsExactly("2007_000032", "a 1");
    Sample first = data.samples().getFirst();
    assertThat(first.classes()).containsExactly(8, 15);
    assertThat(data.className(8)).isEqualTo("cat");
    assertThat(data.classId("person")).isEqualTo(15);
    assertThat(data.mask(first).at(1, 0)).isEqualTo(Mask.VOID);
    assertThat(data.image(first).width()).isEqualTo(2);
    Sample second = data.samples().get(1);
    assertThat(second.labelled()).isFalse();
    assertThatThrownBy(second::classes).hasMessageContaining("has no image-level labels");
    assertThatThrownBy(() -> data.mask(second)).hasMessageContaining("has no mask");
    assertThat(data.upright()).isFalse();
  }

  @Test
  void theReleasesTwoColumnListIsReadWithItsMasks() {
    picture("JPEGImages/2007_000032.png");
    picture("JPEGImages/2007_000039.png");
    ImageCodec.writeMask(
        root.resolve("SegmentationClassAug/2007_000032.png"), new Mask(1, 1, new byte[] {3}));
    Path list = root.resolve("elsewhere/trainaug_voc.txt");
    AtomicFiles.writeString(
        list,
        "/JPEGImages/2007_000032.png /SegmentationClassAug/2007_000032.png\n"
            + "/JPEGImages/2007_000039.png\n");
    Dataset data = Datasets.open(root, list.toString());
    assertThat(data.samples()).extracting(Sample::id).containsExactly("2007_000032", "2007_000039");
    assertThat(data.mask(data.samples().getFirst()).at(0, 0)).isEqualTo(3);
    assertThat(data.samples().get(1).mask()).isEmpty();
    assertThat(data.samples().get(1).labelled()).isFalse();
  }

  @Test
  void aListedPictureThatIsNotThereIsNamedWithItsLine() {
    picture("JPEGImages/a.png");
    text("ImageSets/Segmentation/train.txt", "a\n\nmissing\n");
    assertThatThrownBy(() -> Datasets.open(root, "train"))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("train.txt: line 3: no picture 'missing'")
        .hasMessageNotContaining("\n");
    text("ImageSets/Segmentation/val.txt", "/JPEGImages/a.png /m/a.png x\n");
    assertThatThrownBy(() -> Datasets.open(root, "val"))
        .hasMessageContaining("val.txt: line 1: expected an image and a mask, found 3 columns");
    text("ImageSets/Segmentation/twice.txt", "a\na\n");
    assertThatThrownBy(() -> Datasets.open(root, "twice")).hasMessageContaining("listed twice");
    text("ImageSets/Segmentation/empty.txt", "\n");
    assertThatThrownBy(() -> Datasets.open(root, "empty")).hasMessageContaining("empty");
    assertThatThrownBy(() -> Datasets.open(root, "none")).hasMessageContaining("no list 'none'");
  }

  @Test
  void aFolderWithACsvDerivesItsClassesInAlphabeticOrder() {
    picture("images/x.png");
    picture("y.png");
    picture("sub/z.png");
    text(
        "labels.csv",
        "image,labels\nx,zebra;cat\n\"y.png\", \" potted plant ;cat;cat\"\nsub/z.png,\n");
    Dataset data = Datasets.open(root, null);
    assertThat(data.classNames()).containsExactly("cat", "potted plant", "zebra");
    assertThat(data.samples()).extracting(Sample::id).containsExactly("x", "y", "sub/z");
    assertThat(data.samples().get(0).classes()).containsExactly(1, 3);
    assertThat(data.samples().get(1).classes()).containsExactly(1, 2);
    assertThat(data.samples().get(2).classes()).isEmpty();
    assertThat(data.upright()).isTrue();
  }

  @Test
  void aClassThatIsNotListedIsNamedWithItsLine() {
    picture("x.png");
    text("classes.txt", "cat\n");
    text("labels.csv", "image,labels\nx,cat;\nx2,\"do\"\"g\"\n");
    assertThatThrownBy(() -> Datasets.open(root, null))
        .isInstanceOf(WispException.class)
        .hasMessage(root.resolve("labels.csv") + ": line 3: unknown class 'do\"g'");
  }

  @Test
  void everyMistakeInACsvIsNamedWithItsLine() {
    assertCsvProblem("", "empty");
    assertCsvProblem("img,labels\n", "line 1: the first line must be image,labels");
    assertCsvProblem("image,labels\nx,a,b\n", "line 2: expected an image and its labels, found 3");
    assertCsvProblem("image,labels\n,a\n", "line 2");
    assertCsvProblem("image,labels\nx\n", "line 2: expected an image and its labels, found 1");
    assertCsvProblem("image,labels\n\nx,\"a\nb", "line 3: a quote is not closed");
    assertCsvProblem("image,labels\nx,\"a\"b\n", "line 2: something follows a closing quote");
    assertCsvProblem("image,labels\nx,a\nx.jpg,b\n", "line 3: the image 'x.jpg' is listed twice");
    assertCsvProblem("image,labels\nx,a\n", "line 2: no picture 'x'");
    assertCsvProblem("image,labels\n", "lists no images");
  }

  private void assertCsvProblem(String content, String problem) {
    text("labels.csv", content);
    assertThatThrownBy(() -> Datasets.folder(root))
        .isInstanceOf(WispException.class)
        .hasMessageContaining(root.resolve("labels.csv").toString())
        .hasMessageContaining(problem);
  }

  @Test
  void aVocFolderWithoutListsTakesTheImagesOfItsCsv() {
    picture("JPEGImages/x.png");
    text("labels.csv", "image,labels\nx,cat\n");
    Dataset data = Datasets.open(root, null);
    assertThat(data.samples()).extracting(Sample::id).containsExactly("x");
    assertThatThrownBy(() -> Datasets.open(root, "val")).hasMessageContaining("no list 'val'");
  }

  @Test
  void aCocoFolderIsFoundByItsInstancesFile() {
    picture("train2017/a.png");
    picture("images/b.png");
    ImageCodec.writeMask(root.resolve("masks/b.png"), new Mask(2, 1, new byte[2]));
    String json =
        "{\"images\": [{\"id\": 1, \"file_name\": \"%s.png\"}],"
            + "\"categories\": [{\"id\": 7, \"name\": \"c\"}],"
            + "\"annotations\": [{\"image_id\": 1, \"category_id\": 7}]}";
    text("annotations/instances_val2017.json", json.formatted("b"));
    assertThatThrownBy(() -> Datasets.open(root, null)).hasMessageContaining("name a list");
    text("annotations/instances_train2017.json", json.formatted("a"));
    assertThat(Datasets.open(root, null).samples()).extracting(Sample::id).containsExactly("a");
    Dataset val = Datasets.open(root, "val2017");
    assertThat(val.samples().getFirst().classes()).containsExactly(1);
    assertThat(val.samples().getFirst().mask()).isPresent();
    assertThatThrownBy(() -> Datasets.open(root, "test2017"))
        .hasMessageContaining("no annotations/instances_test2017.json");
  }

  @Test
  void aFolderOfPicturesIsReadWithoutLabels() {
    picture("b.png");
    picture("a.png");
    text("notes.txt", "x");
    Dataset data = Datasets.pictures(root, List.of("cat"));
    assertThat(data.samples()).extracting(Sample::id).containsExactly("a", "b");
    assertThat(data.samples().getFirst().labelled()).isFalse();
    picture("a.PNG");
    assertThatThrownBy(() -> Datasets.pictures(root, List.of("cat")))
        .hasMessageContaining("'a' is listed twice");
    assertThatThrownBy(() -> Datasets.pictures(root.resolve("none"), List.of()))
        .hasMessageContaining("no such file");
  }

  @Test
  void aFolderThatIsNoDatasetIsRefused() {
    assertThatThrownBy(() -> Datasets.open(root, null)).hasMessageContaining("not a dataset");
    assertThatThrownBy(() -> Datasets.open(root.resolve("none"), null))
        .hasMessageContaining("no such folder");
  }

  @Test
  void cocoCategoriesAreNumberedWithoutGapsInTheOrderOfTheirIds() {
    picture("train/COCO_train2014_000000000009.png");
    picture("train/000000000025.png");
    picture("train/000000000030.png");
    Path json = root.resolve("instances.json");
    // Annotations before the lists they refer to, as a stream may have them.
    AtomicFiles.writeString(
        json,
        """
        {"info": {"year": [1, {"a": null}]},
         "annotations": [
          {"segmentation": [[1.5, 2]], "image_id": 9, "category_id": 90, "id": 1, "iscrowd": 0},
          {"segmentation": {"counts": [1], "size": [1, 2]}, "image_id": 9, "category_id": 1, "id": 2},
          {"image_id": 9, "category_id": 90, "id": 3},
          {"image_id": 25, "category_id": 13, "id": 4}],
         "images": [{"id": 25, "file_name": "000000000025.png"},
          {"id": 9, "file_name": "COCO_train2014_000000000009.png"},
          {"id": 30, "file_name": "000000000030.png"}],
         "categories": [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"},
          {"id": 13, "name": "stop sign"}]}
        """);
    Dataset all = CocoLayout.open(root.resolve("train"), json, null, null);
    assertThat(all.classNames()).containsExactly("person", "stop sign", "toothbrush");
    assertThat(all.samples())
        .extracting(Sample::id)
        .containsExactly("000000000025", "COCO_train2014_000000000009", "000000000030");
    assertThat(all.samples().get(0).classes()).containsExactly(2);
    assertThat(all.samples().get(1).classes()).containsExactly(1, 3);
    assertThat(all.samples().get(2).classes()).isEmpty();

    Path list = root.resolve("list.txt");
    AtomicFiles.writeString(list, "COCO_train2014_000000000025\nCOCO_train2014_000000000009\n");
    Dataset some = CocoLayout.open(root.resolve("train"), json, list, null);
    assertThat(some.samples()).extracting(s -> s.classes()[0]).containsExactly(2, 1);
    AtomicFiles.writeString(list, "000000000099\n");
    assertThatThrownBy(() -> CocoLayout.open(root.resolve("train"), json, list, null))
        .hasMessageContaining("list.txt: line 1: no picture '000000000099'");
  }

  @Test
  void aMalformedInstancesFileIsNamed() {
    assertCocoProblem("[]", "line 1: not an object");
    assertCocoProblem("{\"images\": [{\"id\": 1,\n\"file_name\": ", "line 2: malformed JSON");
    assertCocoProblem("{}", "not a COCO instances file");
    assertCocoProblem("{\"images\": [1]}", "holds something that is not an object");
    assertCocoProblem("{\"images\": {}}", "must be a list");
    assertCocoProblem("{\"images\": [{\"id\": \"1\", \"file_name\": \"a\"}]}", "no valid id");
    String lists =
        "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}],"
            + "\"categories\": [{\"id\": 1, \"name\": \"c\"}], \"annotations\": [";
    assertCocoProblem(lists + "{\"image_id\": 2, \"category_id\": 1}]}", "unknown image 2");
    assertCocoProblem(lists + "{\"image_id\": 1, \"category_id\": 2}]}", "unknown category 2");
    assertCocoProblem(lists + "]}", "no picture 'a.png'");
  }

  private void assertCocoProblem(String content, String problem) {
    text("instances.json", content);
    assertThatThrownBy(() -> CocoLayout.open(root, root.resolve("instances.json"), null, null))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("instances.json")
        .hasMessageContaining(problem)
        .hasMessageNotContaining("\n");
  }

  @Test
  void annotationsWithEntitiesOrUnknownClassesAreRefused() {
    text(
        "Annotations/x.xml",
        "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n"
            + "<annotation><object><name>&e;</name></object></annotation>");
    VocAnnotations labels = new VocAnnotations(root.resolve("Annotations"), ClassNames.VOC);
    assertThatThrownBy(() -> labels.of("x"))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("x.xml: line ");
    text("Annotations/x.xml", "<annotation>\n<object><name>dragon</name></object></annotation>");
    assertThatThrownBy(() -> labels.of("x"))
        .hasMessageContaining("x.xml: line 2: unknown class 'dragon'");
    text("Annotations/x.xml", "<annotation><object>");
    assertThatThrownBy(() -> labels.of("x"))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("malformed XML");
    text("Annotations/x.xml", "<html/>");
    assertThatThrownBy(() -> labels.of("x")).hasMessageContaining("not a VOC annotation");
    assertThat(labels.of("y")).isNull();
    text("Annotations/x.xml", "<annotation><filename>cat</filename></annotation>");
    assertThat(labels.of("x")).isEmpty();
  }

  private static String annotation(String... names) {
    StringBuilder xml = new StringBuilder("<annotation><filename>f</filename>");
    for (String name : names) {
      xml.append("<object>\n<name>").append(name).append("</name>");
      xml.append("<part><name>head</name></part></object>");
    }
    return xml.append("</annotation>").toString();
  }

  private void picture(String name) {
    ImageCodec.writePng(root.resolve(name), new Image(2, 1, new byte[6]));
  }

  private void text(String name, String content) {
    AtomicFiles.writeString(root.resolve(name), content);
  }
}
