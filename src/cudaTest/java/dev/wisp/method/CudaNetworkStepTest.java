package dev.wisp.method;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.common.CounterRandom;
import dev.wisp.nn.Parameter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * A training step of IRN and of DeepLabV3 on the software device and on the CPU, each against
 * float64: the card's losses and gradients are as good as the CPU's.
 */
class CudaNetworkStepTest {
  private static final int COUNT = 2;
  private static final int SIDE = 32;

  /** Half the distance of float32 from 1 to the next number: what one rounding costs at most. */
  private static final double HALF_ROUNDING = 0x1p-24;

  /** Layers one after the other, there and back: the encoder's, the head's. */
  private static final int LAYERS = 2 * 24;

  /** What cannot be told from 0: one rounding a layer. */
  private static final double FLOOR = LAYERS * HALF_ROUNDING;

  private static TrainingBatch batch() {
    float[] pixels = Tiny.pixels(COUNT * SIDE * SIDE * 3, 6);
    CounterRandom random = CounterRandom.of(21);
    byte[] masks = new byte[COUNT * SIDE * SIDE];
    for (int i = 0; i < masks.length; i++) {
      int image = i / (SIDE * SIDE);
      int y = i / SIDE % SIDE;
      int x = i % SIDE;
      boolean inside = Math.abs(y - 14 - 3 * image) < 9 && Math.abs(x - 17) < 8 + image;
      masks[i] = (byte) (random.nextInt(16) == 0 ? 255 : inside ? 1 + image : 0);
      // Images that differ on the whole, over which a norm does not bend sharply.
      for (int c = 0; c < 3; c++) {
        pixels[3 * i + c] = (1 + image) * (pixels[3 * i + c] + (inside ? 1 : 0));
      }
    }
    return TrainingBatch.ofMasks(pixels, COUNT, SIDE, SIDE, masks, 4, 0);
  }

  /** Norms away from the identity. */
  private static void stir(Backend backend, TrainableNetwork network) {
    CounterRandom random = CounterRandom.of(5);
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
  }

  private record Step(Losses losses, Map<String, double[]> gradients) {
    static Step of(Backend backend, Function<Backend, TrainableNetwork> maker) {
      try (TrainableNetwork network = maker.apply(backend)) {
        stir(backend, network);
        Losses losses = network.step(batch());
        Map<String, double[]> gradients = new LinkedHashMap<>();
        for (Parameter parameter : network.parameters()) {
          if (parameter.hasGradient()) {
            gradients.put(parameter.name(), gradient(backend, parameter));
          }
        }
        return new Step(losses, gradients);
      }
    }

    private static double[] gradient(Backend backend, Parameter parameter) {
      if (backend instanceof ReferenceBackend reference) {
        return reference.doubles(parameter.gradient());
      }
      float[] floats = backend.compute(() -> backend.floats(parameter.gradient()));
      double[] values = new double[floats.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = floats[i];
      }
      return values;
    }

    /** Relative distances from the exact losses and from each exact gradient, in L2. */
    Map<String, Double> errors(Step exact) {
      Map<String, Double> errors = new LinkedHashMap<>();
      exact.losses.parts().forEach((name, value) -> loss(errors, name, value));
      exact.gradients.forEach(
          (name, values) -> {
            double[] own = Objects.requireNonNull(gradients.get(name), name);
            double squares = 0;
            double length = 0;
            for (int i = 0; i < values.length; i++) {
              squares += (own[i] - values[i]) * (own[i] - values[i]);
              length += values[i] * values[i];
            }
            assertThat(length).as(name).isPositive();
            errors.put(name, Math.sqrt(squares / length));
          });
      return errors;
    }

    private void loss(Map<String, Double> errors, String name, double exact) {
      assertThat(exact).as(name).isPositive();
      errors.put(name, Math.abs(losses.part(name) - exact) / exact);
    }
  }

  private static void check(int gradients, Function<Backend, TrainableNetwork> maker) {
    try (ReferenceBackend reference = ReferenceBackend.exact();
        Backend cpu = Backends.open("cpu", CpuOptions.standard());
        Backend cuda = Backends.open("cuda", CpuOptions.standard())) {
      Step exact = Step.of(reference, maker);
      assertThat(exact.gradients).hasSizeGreaterThanOrEqualTo(gradients);
      Map<String, Double> plain = Step.of(cpu, maker).errors(exact);
      Step card = Step.of(cuda, maker);
      assertThat(card.gradients.keySet()).isEqualTo(exact.gradients.keySet());
      double largest = plain.values().stream().mapToDouble(e -> e).max().orElseThrow();
      assertThat(card.errors(exact).values())
          .allSatisfy(error -> assertThat(error).isLessThanOrEqualTo(2 * largest + FLOOR));
      Step again = Step.of(cuda, maker);
      card.gradients.forEach(
          (name, values) -> assertThat(again.gradients.get(name)).as(name).isEqualTo(values));
      assertThat(cuda.memoryStatistics().used()).isZero();
    }
  }

  @Test
  void aStepOfIrnIsAsCloseToFloat64AsOnTheCpuAndGivesTheSameBitsTwice() {
    check(
        39,
        backend -> {
          IrnNet network = new IrnNet(backend, new IrnConfig(Tiny.encoder(false), 3, 4));
          network.initialize(3);
          return network;
        });
  }

  @Test
  void aStepOfDeepLabIsAsCloseToFloat64AsOnTheCpuAndGivesTheSameBitsTwice() {
    check(
        50,
        backend -> {
          DeepLabNet network =
              new DeepLabNet(
                  backend,
                  new DeepLabConfig(
                      Tiny.encoder(false).dilated(4), 2, List.of(1, 2), 4, 0.4f, true));
          network.initialize(3);
          return network;
        });
  }
}
