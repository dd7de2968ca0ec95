package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.PamrOptions;
import dev.wisp.backend.cuda.CudaOptions.Graphs;
import dev.wisp.common.CounterRandom;
import dev.wisp.common.WispException;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Losses;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.nn.Sgd;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Work that repeats is launched as graphs: the same bits, fewer calls, errors in one line. */
class CudaGraphsTest {
  private static final int CLASSES = 3;

  /** Of the network's output. */
  private static final int STRIDE = 8;

  /** Labels that change the shapes of what follows the encoder from step to step. */
  private static final int[][][] LABELS = {
    {{1}, {2, 3}}, {{1, 2, 3}, {3}}, {{}, {2}}, {{1}, {2, 3}}, {{2}, {1}}, {{1}, {2, 3}}
  };

  @AfterEach
  void failNoMore() {
    Referee.fail("");
  }

  private static CudaOptions options(Graphs graphs, CudnnOptions.Use convolutions) {
    return CudaOptions.standard()
        .withCacheBytes(Long.MAX_VALUE)
        .withGraphs(graphs)
        .withCudnn(CudnnOptions.standard().withUse(convolutions));
  }

  private static CudaGraphs graphs(CudaBackend backend) {
    return Objects.requireNonNull(backend.context().session().graphs());
  }

  private static AeSipeConfig config() {
    return AeSipeConfig.aeSipe(
            new ResNetConfig(
                3,
                2,
                3,
                false,
                List.of(
                    new ResNetConfig.Layer(1, 2, 4, 1),
                    new ResNetConfig.Layer(2, 2, 5, 2),
                    new ResNetConfig.Layer(3, 3, 6, 2),
                    new ResNetConfig.Layer(2, 3, 7, 1))),
            CLASSES)
        .withSideChannels(List.of(2, 2, 3, 3))
        .withPamr(new PamrOptions(new int[] {1, 2}, 2, PamrOptions.Kernel.ABS_STD, 0.1f))
        .withGuideStride(2);
  }

  private static TrainingBatch batch(int step, int size) {
    int[][] labels = LABELS[step % LABELS.length];
    CounterRandom random = CounterRandom.of(11, step);
    float[] pixels = new float[labels.length * size * size * 3];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    float[] valid = new float[labels.length * (size / STRIDE) * (size / STRIDE)];
    Arrays.fill(valid, 1);
    return new TrainingBatch(pixels, labels.length, size, size, labels, valid);
  }

  /** What training leaves behind: losses and norms of the steps, then the weights. */
  private static Map<String, float[]> train(CudaBackend backend, int[] sizes) {
    Map<String, float[]> results = new LinkedHashMap<>();
    try (AeSipeNet network = new AeSipeNet(backend, config())) {
      network.initialize(5);
      // The rates decay: what is captured must not keep those of its step.
      Sgd sgd =
          backend.compute(
              () ->
                  new Sgd(
                      backend,
                      network.parameters(),
                      new Sgd.Options(0.02, 0.2, 0.9, 1e-4, 1, sizes.length + 1, 0.9)));
      for (int step = 0; step < sizes.length; step++) {
        Losses losses = network.step(batch(step, sizes[step]));
        double norm = backend.compute(sgd::step);
        results.put(
            "step " + step,
            new float[] {
              (float) losses.part(Losses.CLASSIFICATION),
              (float) losses.part(Losses.CONSISTENCY),
              (float) norm
            });
      }
      backend.run(
          () -> {
            for (Parameter parameter : network.parameters()) {
              results.put(parameter.name(), backend.floats(parameter.value()));
            }
            sgd.close();
          });
    }
    return results;
  }

  private static void equalBits(Map<String, float[]> found, Map<String, float[]> expected) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
  }

  /** With labels that differ, a size that changes and comes back, and rates that decay. */
  @ParameterizedTest
  @EnumSource(
      value = CudnnOptions.Use.class,
      names = {"PLAIN", "CUDNN"})
  void trainingWithGraphsGivesTheBitsOfTrainingWithout(CudnnOptions.Use convolutions) {
    int[] sizes = {16, 16, 16, 16, 24, 16, 16, 24, 16, 16};
    Map<String, float[]> expected;
    try (CudaBackend backend = CudaBackend.open(options(Graphs.OFF, convolutions))) {
      expected = train(backend, sizes);
    }
    try (CudaBackend backend = CudaBackend.open(options(Graphs.ON, convolutions))) {
      equalBits(train(backend, sizes), expected);
      assertThat(graphs(backend).launches()).isGreaterThan(sizes.length);
      assertThat(backend.memoryStatistics().used()).isZero();
    }
  }

  /** The same work on the same tensors, and what it has made of them. */
  private static final class Repeated {
    private static final int LAUNCHES = 12;
    private final CudaBackend backend;
    private final ConvWeights weights;
    private final List<Tensor> steps = new ArrayList<>();

    Repeated(CudaBackend backend, Scope scope) {
      this.backend = backend;
      ConvSpec spec = new ConvSpec(3, 3, 3, 1, 1, 1);
      weights = backend.convWeights(spec);
      Tensor weight = scope.f32(3, 3, 3, 3);
      backend.fill(weight, 0.125f);
      backend.loadWeights(weights, weight, null);
      for (int i = 0; i <= LAUNCHES; i++) {
        steps.add(scope.f32(1, 4, 5, 3));
      }
    }

    float[] run(float first) {
      backend.fill(steps.getFirst(), first);
      for (int i = 0; i < LAUNCHES; i++) {
        backend.convForward(weights, steps.get(i), null, null, false, steps.get(i + 1));
      }
      return backend.floats(steps.getLast());
    }
  }

  private static void repeat(
      Graphs graphs, CudnnOptions.Use convolutions, Consumer<Repeated> body) {
    try (CudaBackend backend = CudaBackend.open(options(graphs, convolutions))) {
      backend.run(
          () -> {
            try (Scope scope = backend.scope()) {
              Repeated repeated = new Repeated(backend, scope);
              try (ConvWeights closed = repeated.weights) {
                assertThat(closed).isNotNull();
                body.accept(repeated);
              }
            }
          });
      assertThat(backend.memoryStatistics().used()).isZero();
    }
  }

  @Test
  void aGraphIsMadeAtTheSecondMeetingAndReadsWhatIsInMemoryThen() {
    float[] expected = new float[60];
    repeat(Graphs.OFF, CudnnOptions.Use.PLAIN, r -> System.arraycopy(r.run(3), 0, expected, 0, 60));
    repeat(
        Graphs.ON,
        CudnnOptions.Use.PLAIN,
        r -> {
          CudaGraphs graphs = graphs(r.backend);
          assertThat(r.run(3)).isEqualTo(expected);
          assertThat(graphs.launches()).isZero();
          for (int meeting = 2; meeting <= 4; meeting++) {
            long before = graphs.launches();
            assertThat(r.run(3)).isEqualTo(expected);
            assertThat(graphs.launches()).isGreaterThan(before);
          }
          // Another value is another launch of fill, and maybe another graph.
          float[] doubled = r.run(6);
          for (int i = 0; i < doubled.length; i++) {
            assertThat(doubled[i]).isEqualTo(2 * expected[i]);
          }
        });
  }

  @Test
  void aCaptureThatFailsIsDoneWithoutOrIsAnErrorInOneLineWhereGraphsAreAskedFor() {
    repeat(
        Graphs.AUTO,
        CudnnOptions.Use.CUDNN,
        r -> {
          float[] expected = r.run(3);
          r.run(3); // By plans that are at hand from the first call on.
          Referee.fail("cudnn:5");
          for (int meeting = 3; meeting <= 5; meeting++) {
            assertThatCode(() -> assertThat(r.run(3)).isEqualTo(expected))
                .doesNotThrowAnyException();
          }
          assertThat(graphs(r.backend).launches()).isZero();
        });
    repeat(
        Graphs.ON,
        CudnnOptions.Use.CUDNN,
        r -> {
          r.run(3);
          r.run(3);
          Referee.fail("cudnn:5");
          assertThatThrownBy(() -> r.run(3))
              .isInstanceOf(WispException.class)
              .hasMessageContaining("cannot become a graph")
              .hasMessageContaining("a planned failure")
              .hasMessageContaining("-Dwisp.cuda.graphs=off")
              .hasMessageNotContaining("\n");
        });
  }

  @Test
  void aGraphThatFailsLosesTheDeviceInOneLineThatNamesItsLaunches() {
    repeat(
        Graphs.AUTO,
        CudnnOptions.Use.PLAIN,
        r -> {
          for (int meeting = 1; meeting <= 3; meeting++) {
            r.run(3);
          }
          Referee.fail("launch:7");
          assertThatThrownBy(() -> r.run(3))
              .isInstanceOf(WispException.class)
              .hasMessageMatching("cuda: cuGraphLaunch of \\d+ launches, wisp_\\w+ to wisp_\\w+ .*")
              .hasMessageContaining("start it again");
          assertThatThrownBy(() -> r.run(3))
              .isInstanceOf(WispException.class)
              .hasMessageContaining("the device was lost in an earlier call");
        });
  }

  @Test
  void aLaunchThatFailsInAQueueNamesItsOwnOperation() {
    repeat(
        Graphs.ON,
        CudnnOptions.Use.PLAIN,
        r -> {
          Referee.fail("launch:3");
          assertThatThrownBy(() -> r.run(3))
              .isInstanceOf(WispException.class)
              .hasMessageStartingWith("cuda: convForward (x F32[1, 4, 5, 3], y F32[1, 4, 5, 3]): ")
              .hasMessageContaining("cuLaunchKernel of wisp_conv")
              .hasMessageNotContaining("\n");
        });
  }
}
