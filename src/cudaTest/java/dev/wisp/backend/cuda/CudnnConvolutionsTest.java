package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.Precision;
import dev.wisp.backend.conformance.ConformanceCase;
import dev.wisp.backend.conformance.ConformanceResult;
import dev.wisp.backend.conformance.ConformanceSuite;
import dev.wisp.backend.conformance.Refusal.Kind;
import dev.wisp.backend.conformance.Refusals;
import dev.wisp.backend.cuda.CudnnOptions.Algorithms;
import dev.wisp.backend.cuda.CudnnOptions.Layouts;
import dev.wisp.backend.cuda.CudnnOptions.Use;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Convolutions by cuDNN's stand-in on the software device, in every layout, and by the plain
 * kernels, against the float64 reference. The stand-in's algorithms overwrite their workspace, and
 * those that are not deterministic give other bits each time.
 */
class CudnnConvolutionsTest {
  private static final List<ConformanceCase> CASES =
      Stream.of(ConformanceSuite.cases(), ConformanceSuite.halfCases())
          .flatMap(List::stream)
          .filter(test -> test.operation().matches("conv.*|loadWeights"))
          .toList();

  private static final Map<ConformanceCase, ConformanceSuite.Expectation> EXPECTED =
      new HashMap<>();

  @TempDir Path folder;

  @AfterAll
  static void forget() {
    EXPECTED.clear();
    Referee.plainOrder();
  }

  private static CudaOptions options(CudnnOptions cudnn) {
    return CudaOptions.standard().withCacheBytes(0).withCudnn(cudnn);
  }

  private static CudnnOptions cudnn(Layouts layout) {
    return CudnnOptions.standard().withUse(Use.CUDNN).withLayout(layout);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseChannelsLast() {
    return onEveryCase(options(cudnn(Layouts.NHWC)), Referee::plainOrder);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseChannelsFirstInRandomOrder() {
    return onEveryCase(
        options(cudnn(Layouts.NCHW)).withCode("ptx:52"), () -> Referee.randomOrder(SEED));
  }

  @TestFactory
  Stream<DynamicTest> everyCaseChannelsFirstByTheNaiveKernels() {
    return onEveryCase(options(cudnn(Layouts.NCHW)).withNaive(true), Referee::plainOrder);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseByTheFasterLayout() {
    return onEveryCase(options(cudnn(Layouts.AUTO)), Referee::plainOrder);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseWithoutWorkspace() {
    return onEveryCase(options(cudnn(Layouts.AUTO).withWorkspaceBytes(0)), Referee::plainOrder);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseByAllAlgorithms() {
    return onEveryCase(
        options(cudnn(Layouts.NCHW).withAlgorithms(Algorithms.ALL)), Referee::plainOrder);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseByThePlainKernelsOfTheTitanX() {
    return onEveryCase(
        options(CudnnOptions.standard().withUse(Use.PLAIN)).withCode("ptx:52"),
        Referee::plainOrder);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseByThePlainKernelsOfTheTitanRtxInRandomOrder() {
    return onEveryCase(
        options(CudnnOptions.standard().withUse(Use.PLAIN)).withCode("ptx:75"),
        () -> Referee.randomOrder(SEED));
  }

  private static final long SEED = 20_260_801;

  private static Stream<DynamicTest> onEveryCase(CudaOptions options, Runnable order) {
    CudaBackend backend = CudaBackend.open(options);
    return CASES.stream()
        .map(
            test ->
                DynamicTest.dynamicTest(
                    test.name(),
                    () -> {
                      order.run();
                      check(test, backend);
                    }))
        .onClose(backend::close);
  }

  private static void check(ConformanceCase test, CudaBackend backend) {
    ConformanceResult result =
        ConformanceSuite.run(EXPECTED.computeIfAbsent(test, ConformanceSuite::expect), backend);
    assertThat(result.pass()).as(result.toString()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(
      value = Use.class,
      names = {"CUDNN", "PLAIN"})
  void wrongCallsAreRefusedBeforeAnythingIsComputed(Use use) {
    try (CudaBackend backend = CudaBackend.open(options(CudnnOptions.standard().withUse(use)))) {
      assertThat(
              Stream.of(Refusals.all(), Refusals.ofHalves())
                  .flatMap(List::stream)
                  .filter(refusal -> refusal.operation().matches("conv.*|loadWeights"))
                  .filter(refusal -> refusal.kind() != Kind.CLOSED)
                  .flatMap(refusal -> Refusals.check(refusal, backend).stream()))
          .isEmpty();
      Refusals.harmless(backend).stream()
          .filter(call -> call.operation().matches("conv.*|loadWeights"))
          .forEach(call -> Refusals.check(call, backend));
    }
  }

  @Test
  void theBackendSaysWhatConvolves() {
    try (CudaBackend backend = CudaBackend.open(options(cudnn(Layouts.AUTO)))) {
      assertThat(backend.describe()).contains("convolutions by cuDNN 9.5.1");
    }
    try (CudaBackend backend =
        CudaBackend.open(options(CudnnOptions.standard().withUse(Use.PLAIN)))) {
      assertThat(backend.describe()).endsWith("convolutions by Wisp's plain kernels");
    }
    try (CudaBackend backend =
        CudaBackend.open(options(CudnnOptions.standard().withUse(Use.AUTO)).withNaive(true))) {
      assertThat(backend.describe()).endsWith("convolutions by Wisp's plain kernels");
    }
  }

  /** A step's worth of results: output, gradients of input, weights and bias. */
  static List<float[]> step(CudaBackend backend, ConvSpec spec, int h, int w) {
    return step(backend, spec, h, w, false);
  }

  /** The same of the values' sizes: what their sums can be at most. */
  private static List<float[]> step(
      CudaBackend backend, ConvSpec spec, int h, int w, boolean sizes) {
    Random random = new Random(7);
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope();
              ConvWeights holder = backend.convWeights(spec)) {
            Tensor x = filled(backend, scope, random, sizes, 2, h, w, spec.inChannels());
            long[] out = {2, spec.outSize(h), spec.outSize(w), spec.outChannels()};
            int k = spec.kernel();
            Tensor weight =
                filled(backend, scope, random, sizes, spec.outChannels(), spec.inChannels(), k, k);
            Tensor bias = filled(backend, scope, random, sizes, spec.outChannels());
            Tensor y = filled(backend, scope, random, sizes, out);
            Tensor dy = filled(backend, scope, random, sizes, out);
            Tensor dx = scope.f32(2, h, w, spec.inChannels());
            Tensor dw = scope.f32(spec.outChannels(), spec.inChannels(), k, k);
            Tensor db = scope.f32(spec.outChannels());
            backend.loadWeights(holder, weight, null);
            backend.convForward(holder, x, bias, y, true, y);
            backend.convBackwardData(holder, dy, dx);
            backend.convBackwardWeights(spec, x, dy, dw, db);
            return List.of(
                backend.floats(y), backend.floats(dx), backend.floats(dw), backend.floats(db));
          }
        });
  }

  private static Tensor filled(
      CudaBackend backend, Scope scope, Random random, boolean sizes, long... shape) {
    Tensor tensor = scope.f32(shape);
    float[] values = new float[(int) tensor.shape().elements()];
    for (int i = 0; i < values.length; i++) {
      float value = random.nextFloat() - 0.5f;
      values[i] = sizes ? Math.abs(value) : value;
    }
    backend.upload(values, tensor);
    return tensor;
  }

  private static final ConvSpec SPEC = new ConvSpec(19, 34, 3, 1, 1, 1);

  private static CudnnPlans plans(CudaBackend backend) {
    return ((CudnnConvolutions) backend.convolver()).plans();
  }

  private static void sameBits(List<float[]> got, List<float[]> want) {
    assertThat(got).hasSameSizeAs(want);
    for (int i = 0; i < want.size(); i++) {
      assertThat(Arrays.equals(got.get(i), want.get(i))).as("result %d", i).isTrue();
    }
  }

  @Test
  void equalInputsGiveEqualBitsAgainAndInAnotherProcessThatHasTheChoices() {
    List<float[]> first;
    try (CudaBackend backend = CudaBackend.open(options(cudnn(Layouts.AUTO)), List.of(folder))) {
      first = step(backend, SPEC, 9, 7);
      assertThat(plans(backend).searches()).isEqualTo(3);
      for (int i = 0; i < 3; i++) {
        sameBits(step(backend, SPEC, 9, 7), first);
      }
      assertThat(plans(backend).searches()).isEqualTo(3);
    }
    try (CudaBackend backend = CudaBackend.open(options(cudnn(Layouts.AUTO)), List.of(folder))) {
      sameBits(step(backend, SPEC, 9, 7), first);
      assertThat(plans(backend).searches()).isZero();
    }
  }

  @Test
  void aChoiceIsNotTakenOverToAnotherCardOrOtherLimits() {
    CudaOptions options = options(cudnn(Layouts.AUTO));
    try (CudaBackend backend = CudaBackend.open(options, List.of(folder))) {
      step(backend, SPEC, 9, 7);
    }
    for (CudaOptions other :
        List.of(
            options.withDevice(1),
            options.withCudnn(options.cudnn().withLayout(Layouts.NHWC)),
            options.withCudnn(options.cudnn().withWorkspaceBytes(1 << 20)),
            options.withCudnn(options.cudnn().withAlgorithms(Algorithms.ALL)))) {
      try (CudaBackend backend = CudaBackend.open(other, List.of(folder))) {
        step(backend, SPEC, 9, 7);
        assertThat(plans(backend).searches()).as(other.toString()).isEqualTo(3);
      }
    }
  }

  @Test
  void plansOfManySizesStayWithinTheirBoundAndWorkspaceGoesBack() {
    ConvSpec spec = ConvSpec.pointwise(3, 2);
    try (CudaBackend backend = CudaBackend.open(options(cudnn(Layouts.NHWC)), List.of(folder))) {
      for (int w = 1; w <= CudnnPlans.CAPACITY + 20; w++) {
        int width = w;
        backend.run(
            () -> {
              try (Scope scope = backend.scope();
                  ConvWeights holder = backend.convWeights(spec)) {
                Random random = new Random(width);
                Tensor x = filled(backend, scope, random, false, 1, 1, width, 3);
                backend.loadWeights(
                    holder, filled(backend, scope, random, false, 2, 3, 1, 1), null);
                backend.convForward(holder, x, null, null, false, scope.f32(1, 1, width, 2));
              }
            });
      }
      assertThat(plans(backend).size()).isEqualTo(CudnnPlans.CAPACITY);
      assertThat(backend.memoryStatistics().used()).isZero();
    }
  }

  @Test
  void withoutAnAlgorithmThatFitsThePlainKernelsConvolve() {
    // All of the stand-in's deterministic ones need workspace here.
    ConvSpec spec = new ConvSpec(3, 4, 3, 2, 1, 1);
    List<float[]> plain;
    try (CudaBackend backend =
        CudaBackend.open(options(CudnnOptions.standard().withUse(Use.PLAIN)))) {
      plain = step(backend, spec, 6, 5);
    }
    CudnnOptions none = cudnn(Layouts.NHWC).withWorkspaceBytes(0);
    try (CudaBackend backend = CudaBackend.open(options(none), List.of(folder))) {
      List<float[]> got = step(backend, spec, 6, 5);
      sameBits(got.subList(1, 4), plain.subList(1, 4));
    }
  }

  /** Half the distance of float16 from 1 to the next number: what rounding costs at most. */
  private static final double HALF_ROUNDING = 0x1p-11;

  @Test
  void inMixedPrecisionOperandsAndProductsAreRoundedOnceAndSumsStayFloat32() {
    CudnnOptions mixed = cudnn(Layouts.AUTO).withPrecision(Precision.MIXED);
    for (ConvSpec spec : List.of(SPEC, ConvSpec.pointwise(12, 7), new ConvSpec(5, 9, 3, 2, 2, 2))) {
      try (CudaBackend exact = CudaBackend.open(options(cudnn(Layouts.AUTO)), List.of(folder));
          CudaBackend rounded = CudaBackend.open(options(mixed), List.of(folder));
          CudaBackend naive = CudaBackend.open(options(mixed).withNaive(true), List.of(folder))) {
        assertThat(rounded.describe()).endsWith("convolutions by cuDNN 9.5.1 in mixed precision");
        List<float[]> want = step(exact, spec, 9, 7);
        List<float[]> sums = step(exact, spec, 9, 7, true);
        List<float[]> got = step(rounded, spec, 9, 7);
        sameBits(step(rounded, spec, 9, 7), got);
        sameBits(step(naive, spec, 9, 7).subList(0, 3), got.subList(0, 3));
        for (int i = 0; i < 3; i++) {
          assertThat(Arrays.equals(got.get(i), want.get(i))).as("result %d", i).isFalse();
          for (int at = 0; at < want.get(i).length; at++) {
            // Two operands and a result, of which none is larger than the sum of all sizes.
            assertThat((double) got.get(i)[at])
                .isCloseTo(want.get(i)[at], within(3.1 * HALF_ROUNDING * sums.get(i)[at] + 1e-6));
          }
        }
        assertThat(Arrays.equals(got.get(3), want.get(3))).as("db").isTrue();
      }
    }
  }

  @Test
  void aBackendChangesItsPrecisionAndBack() {
    CudnnOptions single = cudnn(Layouts.AUTO);
    try (CudaBackend backend = CudaBackend.open(options(single), List.of(folder));
        CudaBackend mixed =
            CudaBackend.open(options(single.withPrecision(Precision.MIXED)), List.of(folder))) {
      List<float[]> exact = step(backend, SPEC, 9, 7);
      assertThat(setPrecision(backend, Precision.MIXED)).isTrue();
      assertThat(backend.precision()).isEqualTo(Precision.MIXED);
      assertThat(backend.describe()).endsWith("in mixed precision");
      sameBits(step(backend, SPEC, 9, 7), step(mixed, SPEC, 9, 7));
      assertThat(setPrecision(backend, Precision.FLOAT32)).isTrue();
      assertThat(backend.describe()).endsWith("convolutions by cuDNN 9.5.1");
      sameBits(step(backend, SPEC, 9, 7), exact);
      assertThat(plans(backend).searches()).isEqualTo(3);
      assertThatThrownBy(() -> backend.setPrecision(Precision.MIXED))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("setPrecision");
    }
  }

  private static boolean setPrecision(CudaBackend backend, Precision precision) {
    return backend.compute(() -> backend.setPrecision(precision));
  }

  @Test
  void whatHasNoFloat16ConvolutionsSaysSoAndStaysFloat32() {
    CudnnOptions plain = CudnnOptions.standard().withUse(Use.PLAIN);
    for (CudaOptions options :
        List.of(options(cudnn(Layouts.NHWC)).withDevice(1), options(plain))) {
      try (CudaBackend backend = CudaBackend.open(options, List.of(folder))) {
        List<float[]> exact = step(backend, SPEC, 5, 6);
        assertThat(setPrecision(backend, Precision.MIXED)).isFalse();
        assertThat(backend.precision()).isEqualTo(Precision.FLOAT32);
        sameBits(step(backend, SPEC, 5, 6), exact);
      }
    }
  }

  @Test
  void aCardWithoutTensorCoresStaysFloat32() {
    CudaOptions options = options(cudnn(Layouts.NHWC)).withDevice(1);
    try (CudaBackend exact = CudaBackend.open(options, List.of(folder));
        CudaBackend asked =
            CudaBackend.open(
                options.withCudnn(options.cudnn().withPrecision(Precision.MIXED)),
                List.of(folder))) {
      assertThat(asked.describe()).endsWith("convolutions by cuDNN 9.5.1");
      sameBits(step(asked, SPEC, 5, 6), step(exact, SPEC, 5, 6));
    }
  }
}
