package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.CounterRandom;
import dev.wisp.common.WispException;
import dev.wisp.io.Safetensors;
import dev.wisp.io.TensorEntry;
import dev.wisp.method.DeepLabConfig;
import dev.wisp.method.DeepLabNet;
import dev.wisp.method.ScaledImage;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.nn.StateDict;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Exported networks, run by ONNX Runtime. */
class OnnxExportTest {
  private static final int FOREGROUND = 3;

  @TempDir Path folder;

  /** Weights away from the identity, with a counter and an auxiliary head as torchvision has. */
  private static List<TensorEntry> stirred(Backend backend, DeepLabNet network) {
    network.initialize(4);
    CounterRandom random = CounterRandom.of(9);
    backend.run(
        () -> {
          for (Parameter parameter : network.parameters()) {
            if (parameter.shape().rank() == 1) {
              boolean centred = parameter.name().matches(".*(mean|bias)");
              float[] values = new float[(int) parameter.shape().elements()];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextDouble() + (centred ? -0.5 : 0.5));
              }
              parameter.set(values);
            }
          }
        });
    List<TensorEntry> entries = new ArrayList<>(StateDict.entries(backend, network.parameters()));
    entries.add(
        TensorEntry.ofLongs("backbone.bn1.num_batches_tracked", new long[0], new long[] {7}));
    entries.add(TensorEntry.ofFloats("aux_classifier.4.bias", new long[] {2}, new float[] {1, 2}));
    return entries;
  }

  private void compare(DeepLabConfig config, Map<String, String> text, String name) {
    Path weights = folder.resolve(name + ".safetensors");
    Path onnx = folder.resolve(name + ".onnx");
    try (Backend backend = CpuBackend.open(CpuOptions.standard());
        DeepLabNet network = new DeepLabNet(backend, config)) {
      Safetensors.write(weights, stirred(backend, network), text);
      Conversion.run(weights, onnx, false);
      try (OrtEnvironment environment = OrtEnvironment.getEnvironment();
          OrtSession session = environment.createSession(onnx.toString())) {
        assertThat(session.getMetadata().getProducerName()).isEqualTo("wisp");
        for (int[] size : new int[][] {{33, 47}, {64, 40}}) {
          float[] pixels = pixels(size[0] * size[1] * 3);
          float[] ours = scores(backend, network, pixels, size[0], size[1]);
          float[] theirs = run(environment, session, pixels, size[0], size[1]);
          assertThat(theirs).hasSameSizeAs(ours);
          double largest = 0;
          double error = 0;
          int k = FOREGROUND + 1;
          int positions = size[0] * size[1];
          for (int i = 0; i < ours.length; i++) {
            float other = theirs[i % k * positions + i / k];
            largest = Math.max(largest, Math.abs(ours[i]));
            error = Math.max(error, Math.abs(ours[i] - other));
          }
          assertThat(largest).isGreaterThan(0.01);
          assertThat(error).as("%s at %dx%d", name, size[0], size[1]).isLessThan(1e-4 * largest);
        }
      } catch (OrtException refused) {
        throw new AssertionError(onnx + ": ONNX Runtime refuses it", refused);
      }
    }
  }

  private static float[] pixels(int count) {
    CounterRandom random = CounterRandom.of(2);
    float[] pixels = new float[count];
    for (int i = 0; i < count; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    return pixels;
  }

  /** Scores at the image's size, {@code [h, w, k]}. */
  private static float[] scores(
      Backend backend, DeepLabNet network, float[] pixels, int height, int width) {
    int stride = network.outputStride();
    int k = FOREGROUND + 1;
    float[] low = network.scores(new ScaledImage(pixels, height, width), (name, value) -> {});
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor source =
                scope.f32(1, Math.ceilDiv(height, stride), Math.ceilDiv(width, stride), k);
            Tensor target = scope.f32(1, height, width, k);
            backend.upload(low, source);
            backend.resizeBilinear(source, target, 0, false);
            return backend.floats(target);
          }
        });
  }

  /** The second of a batch of two images, so that the batch's size is shown to be free. */
  private static float[] run(
      OrtEnvironment environment, OrtSession session, float[] pixels, int height, int width)
      throws OrtException {
    int positions = height * width;
    float[] planar = new float[2 * pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      planar[pixels.length + i % 3 * positions + i / 3] = pixels[i];
    }
    try (OnnxTensor image =
            OnnxTensor.createTensor(
                environment, FloatBuffer.wrap(planar), new long[] {2, 3, height, width});
        OrtSession.Result result = session.run(Map.of("image", image))) {
      OnnxTensor scores = (OnnxTensor) result.get("scores").orElseThrow();
      assertThat(scores.getInfo().getShape()).containsExactly(2, FOREGROUND + 1, height, width);
      FloatBuffer buffer = scores.getFloatBuffer();
      float[] second = new float[buffer.remaining() / 2];
      buffer.position(second.length).get(second);
      return second;
    }
  }

  @Test
  void theDemonstrationsNetworkScoresTheSameInOnnxRuntime() {
    for (int stride : new int[] {8, 16}) {
      Recipe recipe = Recipes.load("demo", List.of("segmentation.outputStride=" + stride));
      compare(
          Models.segmentation(recipe, FOREGROUND),
          Map.of("wisp.recipe", Recipes.write(recipe)),
          "demo" + stride);
    }
  }

  @Test
  void torchvisionsNetworkScoresTheSameInOnnxRuntime() {
    compare(DeepLabConfig.standard(ResNetConfig.resnet50(), FOREGROUND, 8), Map.of(), "resnet50");
  }

  @Test
  void weightsOfAnotherNetworkAreRefused() {
    Path weights = folder.resolve("other.safetensors");
    Safetensors.write(
        weights, List.of(TensorEntry.ofFloats("a", new long[] {1}, new float[1])), Map.of());
    assertThatThrownBy(() -> Conversion.run(weights, folder.resolve("other.onnx"), false))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("holds no DeepLabV3");
  }
}
