package dev.wisp.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TapeTest {
  private ReferenceBackend backend;
  private Scope scope;
  private Tensor input;

  @BeforeEach
  void open() {
    backend = new ReferenceBackend();
    scope = backend.scope();
    input = scope.f32(2);
    backend.upload(new float[] {1, 2}, input);
  }

  @AfterEach
  void close() {
    scope.close();
    backend.close();
  }

  /** y = factor * x. */
  private Var scaled(Tape tape, Var x, float factor) {
    Tensor y = tape.scope().f32(2);
    backend.fill(y, 0);
    backend.addScaled(factor, x.value(), y);
    return tape.result(
        y,
        out -> {
          Tensor dy = out.takeGradient();
          Tensor dx = tape.scope().f32(2);
          backend.fill(dx, 0);
          backend.addScaled(factor, dy, dx);
          dy.release();
          x.addGradient(dx);
        },
        x);
  }

  private void loss(Tape tape, Var y) {
    Tensor one = tape.scope().f32(2);
    backend.fill(one, 1);
    tape.loss(one, () -> y.addGradient(one));
  }

  @Test
  void gradientsOfManyUsesAndLossesAddUp() {
    try (Tape tape = Tape.recording(backend)) {
      Var x = tape.input(input);
      loss(tape, scaled(tape, x, 2));
      loss(tape, scaled(tape, x, 3));
      loss(tape, scaled(tape, scaled(tape, x, 5), 7));
      tape.backward();
      assertThat(backend.floats(x.takeGradient())).containsExactly(40, 40);
    }
  }

  @Test
  void nothingFlowsThroughAStopGradient() {
    try (Tape tape = Tape.recording(backend)) {
      Var x = tape.input(input);
      Var y = scaled(tape, x, 2);
      loss(tape, scaled(tape, y.detached(), 3));
      tape.backward();
      assertThat(x.hasGradient()).isFalse();
    }
  }

  @Test
  void aLossScaleMultipliesEveryGradientAndReachesNoTapeThatRecordsNothing() {
    Tensor lossScale = scope.f32(2);
    backend.upload(new float[] {1024, 5}, lossScale);
    try (Tape tape = Tape.recording(backend, lossScale)) {
      Var x = tape.input(input);
      loss(tape, scaled(tape, x, 2));
      loss(tape, scaled(tape, x, 3));
      loss(tape.paused(), tape.borrowed(input));
      tape.backward();
      assertThat(backend.floats(x.takeGradient())).containsExactly(5120, 5120);
    }
    assertThat(backend.floats(lossScale)).containsExactly(1024, 5);
  }

  @Test
  void aReleasedValueLivesUntilItsStepHasRunBackwards() {
    try (Tape tape = Tape.recording(backend)) {
      Var x = tape.input(input);
      Var y = scaled(tape, x, 2);
      Var z = scaled(tape, y, 3);
      y.release();
      z.release();
      assertThat(y.value().isAlive()).isTrue();
      assertThat(z.value().isAlive()).isFalse();
      loss(tape, z);
      tape.backward();
      assertThat(y.value().isAlive()).isFalse();
      assertThat(tape.scope().alive()).hasSize(1);
    }
  }

  @Test
  void aTapeThatDoesNotRecordKeepsNothing() {
    try (Tape tape = Tape.inference(backend)) {
      Var y = scaled(tape, tape.borrowed(input), 2);
      assertThat(backend.floats(y.value())).containsExactly(2, 4);
      y.release();
      assertThat(tape.scope().alive()).isEmpty();
      assertThat(tape.size()).isZero();
      assertThatThrownBy(tape::backward).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void aBorrowedTensorIsNeverReleased() {
    try (Tape tape = Tape.inference(backend)) {
      tape.borrowed(input).release();
    }
    assertThat(backend.floats(input)).containsExactly(1, 2);
  }
}
