package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.CounterRandom;
import dev.wisp.common.WispException;
import dev.wisp.io.Image;
import dev.wisp.io.Mask;
import dev.wisp.io.TensorEntry;
import dev.wisp.io.TensorFile;
import dev.wisp.io.TorchWriter;
import dev.wisp.method.DeepLabNet;
import dev.wisp.nn.StateDict;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmenterTest {
  private static final int FOREGROUND = 4;
  private static final Recipe RECIPE = Recipes.load("demo", List.of());

  @TempDir private Path folder;
  private Backend backend;
  private Path weights = Path.of("");

  /** A PyTorch file as torchvision's: counters and an auxiliary head besides the network. */
  @BeforeEach
  void writeWeights() {
    backend = CpuBackend.open(CpuOptions.standard());
    weights = folder.resolve("deeplab.pth");
    try (DeepLabNet network = new DeepLabNet(backend, Models.segmentation(RECIPE, FOREGROUND))) {
      network.initialize(8);
      List<TensorEntry> entries = new ArrayList<>(StateDict.entries(backend, network.parameters()));
      entries.add(
          TensorEntry.ofLongs("backbone.bn1.num_batches_tracked", new long[0], new long[] {9}));
      entries.add(
          TensorEntry.ofFloats("aux_classifier.4.weight", new long[] {21, 1, 1, 1}, new float[21]));
      TorchWriter.write(weights, entries);
    }
  }

  @AfterEach
  void close() {
    backend.close();
  }

  private static Image image(int width, int height) {
    CounterRandom random = CounterRandom.of(3);
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) random.nextInt(256);
    }
    return new Image(width, height, rgb);
  }

  private Mask segment(String... overrides) {
    try (Segmenter segmenter =
        Segmenter.open(backend, weights, Recipes.with(RECIPE, List.of(overrides)))) {
      return segmenter.segment("noise", image(61, 45));
    }
  }

  @Test
  void aPyTorchFileWithAnAuxiliaryHeadFitsAsItIs() {
    try (Segmenter segmenter = Segmenter.open(backend, weights, RECIPE)) {
      assertThat(segmenter.foreground()).isEqualTo(FOREGROUND);
      assertThat(segmenter.classes()).isEmpty();
    }
    Mask label = segment();
    assertThat(label.width()).isEqualTo(61);
    assertThat(label.height()).isEqualTo(45);
  }

  @Test
  void conversionKeepsTheAuxiliaryHead() {
    Path converted = folder.resolve("deeplab.safetensors");
    Conversion.run(weights, converted, false);
    try (TensorFile file = Weights.open(converted)) {
      assertThat(file.contains("aux_classifier.4.weight")).isTrue();
      assertThat(file.longs("backbone.bn1.num_batches_tracked")).containsExactly(9);
    }
    Mask before = segment();
    weights = converted;
    assertThat(segment().index()).isEqualTo(before.index());
  }

  @Test
  void aLargeImageIsLabelledAtReducedSizeAndItsLabelEnlarged() {
    Mask label = segment("segmentation.maxPixels=100");
    assertThat(label.width()).isEqualTo(61);
    assertThat(label.height()).isEqualTo(45);
    // 61x45 becomes 12x9: labels come in blocks.
    assertThat(label.at(0, 0)).isEqualTo(label.at(3, 3));
  }

  @Test
  void theCrfSeesTheProbabilities() {
    assertThat(segment("segmentation.crf=true").index()).hasSameSizeAs(segment().index());
    assertThat(segment("segmentation.scales=0.5,1,1.5", "segmentation.flip=true").index())
        .isNotEqualTo(segment().index());
  }

  @Test
  void theCrfIsTheRecipes() {
    byte[] plain = segment().index();
    assertThat(segment("segmentation.crf=true", "crf.steps=0").index()).isEqualTo(plain);
    assertThat(segment("segmentation.crf=true").index()).isNotEqualTo(plain);
  }

  @Test
  void weightsOfAnotherDepthAreRefused() {
    assertThatThrownBy(() -> segment("segmentation.backbone=resnet50"))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("give weights of the same network");
  }
}
