package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.CrfOptions;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import dev.wisp.tensor.WispOutOfMemory;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the conformance suite does not ask of the dense CRF on a card. */
class CudaCrfTest {
  private static final int LABELS = 5;
  private static final int HEIGHT = 19;
  private static final int WIDTH = 23;
  private static final long SEED = 5;

  @AfterEach
  void asUsual() {
    Referee.fail("");
    Referee.plainOrder();
  }

  private static CudaBackend open() {
    return CudaBackend.open(CudaOptions.standard().withCacheBytes(0));
  }

  /** Colours out of so many a channel: few make long lists, many make many vertices. */
  private static float[] infer(CudaBackend backend, int colours) {
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            SplittableRandom random = new SplittableRandom(SEED);
            float[] energies = new float[LABELS * HEIGHT * WIDTH];
            for (int i = 0; i < energies.length; i++) {
              energies[i] = (float) random.nextDouble(3);
            }
            float[] pixels = new float[HEIGHT * WIDTH * 3];
            for (int i = 0; i < pixels.length; i++) {
              pixels[i] = random.nextInt(colours);
            }
            Tensor unary = scope.f32(LABELS, HEIGHT, WIDTH);
            Tensor image = scope.f32(HEIGHT, WIDTH, 3);
            Tensor q = scope.f32(LABELS, HEIGHT, WIDTH);
            backend.upload(energies, unary);
            backend.upload(pixels, image);
            backend.denseCrf(unary, image, new CrfOptions(3, 3, 3, 20, 13, 10), q);
            return backend.floats(q);
          }
        });
  }

  /** The hash table's atomics come in another order each time. */
  @Test
  void theOrderOfBlocksAndAtomicsChangesNoBit() {
    try (CudaBackend backend = open()) {
      for (int colours : new int[] {1, 4, 256}) {
        Referee.plainOrder();
        float[] plain = infer(backend, colours);
        for (long seed = 1; seed <= 3; seed++) {
          Referee.randomOrder(seed);
          assertThat(infer(backend, colours)).as("%d colours", colours).isEqualTo(plain);
        }
      }
    }
  }

  @Test
  void memoryThatRunsOutAtAnyAllocationIsGivenBackAndTheNextCallGivesTheSameBits() {
    try (CudaBackend backend = open()) {
      float[] undisturbed = infer(backend, 4);
      int failed = 0;
      for (int allocation = 1; ; allocation++) {
        // Asked for, again after waiting for what is to be freed.
        Referee.fail("alloc:%1$d,alloc:%1$d".formatted(allocation));
        try {
          assertThat(infer(backend, 4)).isEqualTo(undisturbed);
          break;
        } catch (WispOutOfMemory expected) {
          failed++;
        }
        assertThat(backend.memoryStatistics().used()).as("allocation %d", allocation).isZero();
        Referee.fail("");
        if (allocation % 8 == 0) {
          assertThat(infer(backend, 4)).isEqualTo(undisturbed);
        }
      }
      assertThat(failed).isGreaterThan(30);
      assertThat(backend.memoryStatistics().used()).isZero();
    }
  }

  @Test
  void workspaceThatIsNotTheCallsIsRefused() {
    try (CudaBackend backend = open()) {
      backend.run(
          () -> {
            CudaCall call = backend.context().call("test");
            assertThatThrownBy(() -> call.run(() -> call.free(256)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("test: no such workspace");
          });
    }
  }
}
