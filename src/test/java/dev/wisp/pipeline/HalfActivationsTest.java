package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.backend.HalfReference;
import dev.wisp.backend.Precision;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.nn.ParameterFactory;
import dev.wisp.nn.ResNet;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** An encoder whose activations are float16 in memory, on the reference backend. */
class HalfActivationsTest {
  private static final int SIDE = 32;

  @Test
  void aStepIsAFloat32StepButForTheRoundingOfItsActivations() {
    HalfReference reference = new HalfReference();
    try (Backend backend = reference.backend()) {
      MixedStep exact = MixedStep.of(backend, Precision.FLOAT32);
      assertThat(reference.calls("convert")).isZero();
      MixedStep mixed = MixedStep.of(backend, Precision.MIXED);
      // Outputs of the side layers and the classifier, and their gradients.
      assertThat(reference.calls("convert")).isEqualTo(10);
      double forward = MixedStep.FORWARD * MixedStep.HALF_ROUNDING;
      // Each activation, each gradient before one, and x4's gradient.
      int roundings = MixedStep.FORWARD + MixedStep.BACKWARD + 1;
      exact
          .losses()
          .parts()
          .forEach(
              (name, value) ->
                  assertThat(mixed.losses().part(name)).isCloseTo(value, within(forward * value)));
      assertThat(mixed.distance(exact))
          .isBetween(MixedStep.HALF_ROUNDING / 2, roundings * MixedStep.HALF_ROUNDING);
    }
  }

  /** Uses an encoder in mixed precision. */
  private interface Use {
    void of(ResNet encoder, Tape tape, Var images);
  }

  private static void run(Backend backend, boolean recording, Use use) {
    try (Precisions _ = new Precisions(List.of(backend), Precision.MIXED);
        Scope scope = backend.scope();
        ResNet encoder =
            new ResNet(
                new ParameterFactory(backend, scope), "resnet.", AeSipeConfig.demo(3).encoder());
        Tape tape = recording ? Tape.recording(backend) : Tape.inference(backend)) {
      encoder.initialize(1);
      Tensor images = tape.scope().f32(1, SIDE, SIDE, 3);
      backend.fill(images, 0.5f);
      use.of(encoder, tape, tape.constant(images));
    }
  }

  /** Types of what the encoder gives out. */
  private static List<DType> types(Backend backend, boolean recording, boolean taps) {
    List<DType> types = new ArrayList<>();
    run(
        backend,
        recording,
        (encoder, tape, images) -> {
          ResNet.Features features =
              taps
                  ? encoder.taps(tape, images)
                  : encoder.forward(tape, images, stem -> types.add(stem.type()));
          for (int n = taps ? 0 : 1; n <= 4; n++) {
            Var x = features.next();
            types.add(x.value().type());
            x.release();
          }
        });
    return types;
  }

  @Test
  void whatTheEncoderGivesOutIsFloat32() {
    try (Backend backend = new HalfReference().backend()) {
      for (boolean recording : new boolean[] {false, true}) {
        for (boolean taps : new boolean[] {false, true}) {
          assertThat(types(backend, recording, taps)).hasSize(5).containsOnly(DType.F32);
        }
      }
    }
  }

  @Test
  void featuresThatNobodyAsksForAreNotConverted() {
    HalfReference reference = new HalfReference();
    try (Backend backend = reference.backend()) {
      run(
          backend,
          false,
          (encoder, tape, images) -> {
            Var x4 = encoder.forward(tape, images, ResNet.StemObserver.NONE).x4();
            assertThat(x4.value().type()).isEqualTo(DType.F32);
          });
      assertThat(reference.calls("convert")).isEqualTo(1);
    }
  }

  @Test
  void trainingOfTheWholeEncoderStaysFloat32() {
    HalfReference reference = new HalfReference();
    try (Backend backend = reference.backend()) {
      for (boolean live : new boolean[] {false, true}) {
        run(
            backend,
            true,
            (encoder, tape, images) -> {
              Var x4 = encoder.forwardWhole(tape, images, live);
              assertThat(x4.value().type()).isEqualTo(DType.F32);
            });
      }
      assertThat(reference.calls("convert")).isZero();
    }
  }
}
