package dev.wisp.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.common.CounterRandom;
import dev.wisp.method.AeSipeConfig.MapNormalization;
import dev.wisp.method.AeSipeConfig.SeedFeature;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ParameterFactory;
import dev.wisp.nn.ResNet;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Iterator;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Gradients of whole networks against central differences, in float64 throughout. */
class GradientTest {
  private static final double STEP = 1e-6;
  private static final double RELATIVE = 1e-4;
  private static final int ELEMENTS = 6;

  private ReferenceBackend backend;
  private Scope scope;

  @BeforeEach
  void open() {
    backend = ReferenceBackend.exact();
    scope = backend.scope();
  }

  @AfterEach
  void close() {
    scope.close();
    backend.close();
  }

  static Stream<AeSipeConfig> configurations() {
    AeSipeConfig ae = Tiny.config();
    return Stream.of(
        ae,
        ae.withNormalization(MapNormalization.MIN_MAX),
        ae.withNormalization(MapNormalization.NONE)
            .withSequence(MapSequence.SIPE)
            .withSeedFeature(SeedFeature.SEMANTIC),
        ae.withSequence(MapSequence.parse("pr,is,pamr,pr,is,pr,is"))
            .withNormalization(MapNormalization.MIN_MAX));
  }

  @ParameterizedTest
  @MethodSource("configurations")
  void theHeadsGradientsAreTheSlopesOfItsLosses(AeSipeConfig config) {
    int[][] labels = {{1, 3}, {2}};
    float[] valid = new float[2 * 4 * 3];
    CounterRandom random = CounterRandom.of(3);
    for (int i = 0; i < valid.length; i++) {
      valid[i] = i % 7 == 3 ? 0 : 1;
    }
    ParameterFactory factory = new ParameterFactory(backend, scope);
    Head head = new Head(factory, config);
    head.initialize(5);
    Tensor guide = normal(random, 2, 9, 7, 3);
    List<Tensor> x =
        List.of(
            positive(random, 2, 15, 11, 4),
            positive(random, 2, 8, 6, 5),
            positive(random, 2, 4, 3, 6),
            positive(random, 2, 4, 3, 7));

    try (Tape tape = Tape.recording(backend)) {
      losses(tape, head, config, x, tape.input(x.get(3)), guide, labels, valid);
      tape.backward();
    }
    DoubleSupplier loss =
        () -> {
          try (Tape tape = Tape.inference(backend)) {
            return losses(tape, head, config, x, tape.borrowed(x.get(3)), guide, labels, valid);
          }
        };
    for (Parameter parameter : factory.parameters()) {
      checkSlopes(parameter.name(), parameter, parameter.value(), parameter.gradient(), loss);
    }

    // The side layer sees x4 behind a stop-gradient; weights of zero hide it from differences too.
    Parameter side4 = factory.parameters().get(3);
    assertThat(side4.name()).isEqualTo("side4.weight");
    side4.set(new float[(int) side4.shape().elements()]);
    factory.parameters().forEach(Parameter::clearGradient);
    try (Tape tape = Tape.recording(backend)) {
      Var x4 = tape.input(x.get(3));
      losses(tape, head, config, x, x4, guide, labels, valid);
      tape.backward();
      checkSlopes("x4", null, x.get(3), x4.takeGradient(), loss);
    }
  }

  private double losses(
      Tape tape,
      Head head,
      AeSipeConfig config,
      List<Tensor> x,
      Var x4,
      Tensor guide,
      int[][] labels,
      float[] valid) {
    Iterator<Var> features =
        List.of(tape.borrowed(x.get(0)), tape.borrowed(x.get(1)), tape.borrowed(x.get(2)), x4)
            .iterator();
    Head.Output out = head.forward(tape, features::next, true, Observer.NONE);
    TrainingHead.Result result =
        new TrainingHead(tape, config, labels, Observer.NONE).losses(out, guide, labels, valid);
    return backend.doubles(result.classification())[0] + backend.doubles(result.consistency())[0];
  }

  @ParameterizedTest
  @MethodSource("networks")
  void aNetworksGradientsAreTheSlopesOfItsLoss(boolean pool, boolean live) {
    ParameterFactory factory = new ParameterFactory(backend, scope);
    ResNet encoder = new ResNet(factory, "resnet.", Tiny.encoder(pool));
    encoder.initialize(9);
    CounterRandom random = CounterRandom.of(4);
    for (Parameter parameter : encoder.parameters()) {
      if (parameter.shape().rank() == 1) {
        // Norms away from the identity, so that folding has something to do.
        double low =
            parameter.name().endsWith("mean") || parameter.name().endsWith("bias") ? -1 : 0;
        double[] values = new double[(int) parameter.shape().elements()];
        for (int i = 0; i < values.length; i++) {
          values[i] = low + 0.5 + random.nextDouble();
        }
        backend.upload(values, parameter.value());
        parameter.changed();
      }
    }
    Tensor images = normal(random, 2, 48, 32, 3);
    Tensor weight = normal(random, 2, 48 / (pool ? 16 : 8), 32 / (pool ? 16 : 8), 7);
    try (Tape tape = Tape.recording(backend)) {
      Var x4 = x4(tape, encoder, images, live);
      Tensor gradient = copy(tape, weight);
      tape.loss(gradient, () -> x4.addGradient(gradient));
      tape.backward();
    }
    DoubleSupplier loss =
        () -> {
          try (Tape tape = Tape.inference(backend)) {
            double[] values = backend.doubles(x4(tape, encoder, images, live).value());
            double[] factors = backend.doubles(weight);
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
              sum += values[i] * factors[i];
            }
            return sum;
          }
        };
    int reached = 0;
    for (Parameter parameter : encoder.parameters()) {
      boolean early = !parameter.name().matches("resnet\\.layer[34].*");
      boolean learned = parameter.group() != Parameter.Group.STATISTIC && (live || !early);
      assertThat(parameter.hasGradient()).as(parameter.name()).isEqualTo(learned);
      if (learned) {
        reached++;
        checkSlopes(parameter.name(), parameter, parameter.value(), parameter.gradient(), loss);
      }
    }
    assertThat(reached).isGreaterThan(20);
    encoder.close();
  }

  static Stream<Arguments> networks() {
    return Stream.of(
        Arguments.of(false, false),
        Arguments.of(true, false),
        Arguments.of(false, true),
        Arguments.of(true, true));
  }

  private static Var x4(Tape tape, ResNet encoder, Tensor images, boolean live) {
    return live
        ? encoder.forwardWhole(tape, tape.borrowed(images), true)
        : encoder.forward(tape, tape.borrowed(images), stem -> {}).x4();
  }

  private Tensor copy(Tape tape, Tensor source) {
    Tensor target = tape.scope().allocate(source.type(), source.shape());
    backend.copy(source, target);
    return target;
  }

  /** Compares some elements of a gradient with central differences. */
  private void checkSlopes(
      String name,
      @Nullable Parameter parameter,
      Tensor value,
      Tensor gradient,
      DoubleSupplier loss) {
    double[] values = backend.doubles(value);
    double[] gradients = backend.doubles(gradient);
    double largest = 0;
    for (double g : gradients) {
      largest = Math.max(largest, Math.abs(g));
    }
    CounterRandom random = CounterRandom.of(8, values.length);
    for (int e = 0; e < Math.min(ELEMENTS, values.length); e++) {
      int i = random.nextInt(values.length);
      double at = values[i];
      double up = moved(parameter, value, values, i, at + STEP, loss);
      double down = moved(parameter, value, values, i, at - STEP, loss);
      moved(parameter, value, values, i, at, () -> 0);
      assertThat((up - down) / (2 * STEP))
          .as("%s[%d]", name, i)
          .isCloseTo(gradients[i], within(RELATIVE * largest + 1e-8));
    }
  }

  private double moved(
      @Nullable Parameter parameter,
      Tensor value,
      double[] values,
      int index,
      double to,
      DoubleSupplier loss) {
    values[index] = to;
    backend.upload(values, value);
    if (parameter != null) {
      parameter.changed();
    }
    return loss.getAsDouble();
  }

  private Tensor normal(CounterRandom random, long... sizes) {
    Tensor tensor = scope.f32(sizes);
    double[] values = new double[(int) tensor.shape().elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextGaussian();
    }
    backend.upload(values, tensor);
    return tensor;
  }

  private Tensor positive(CounterRandom random, long... sizes) {
    Tensor tensor = scope.f32(sizes);
    double[] values = new double[(int) tensor.shape().elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.max(0, random.nextGaussian());
    }
    backend.upload(values, tensor);
    return tensor;
  }
}
