package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.Collective;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Means over several pretend cards by NCCL's stand-in; the way through the host judges them. */
@Timeout(
    value = 60,
    threadMode =
        Timeout.ThreadMode
            .SEPARATE_THREAD) // Less than the stand-in waits for a card that never comes.
class NcclCollectiveTest {
  private static final List<Shape> ODD =
      List.of(
          Shape.of(3, 5),
          Shape.of(1),
          Shape.of(0, 4),
          Shape.of(2, 1, 3, 7),
          Shape.of(1025),
          Shape.of(0));

  /** Backends on cards, with tensors of theirs, and what averages them. */
  private static final class Cards implements AutoCloseable {
    final List<CudaBackend> backends = new ArrayList<>();
    final List<Scope> scopes = new ArrayList<>();
    final Collective collective;

    Cards(int... devices) {
      for (int device : devices) {
        CudaBackend backend =
            CudaBackend.open(CudaOptions.standard().withCacheBytes(0).withDevice(device));
        backends.add(backend);
        scopes.add(backend.compute(backend::scope));
      }
      collective = Backends.collective(List.copyOf(backends));
    }

    /** On each card, tensors with values of their own. */
    List<List<Tensor>> filled(List<Shape> shapes) {
      List<List<Tensor>> all = empty(shapes);
      for (int card = 0; card < all.size(); card++) {
        Random random = new Random(31L + card);
        CudaBackend backend = backends.get(card);
        for (Tensor tensor : all.get(card)) {
          float[] values = new float[(int) tensor.shape().elements()];
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
          }
          backend.run(() -> backend.upload(values, tensor));
        }
      }
      return all;
    }

    /** On each card, tensors that nobody has written. */
    List<List<Tensor>> empty(List<Shape> shapes) {
      return IntStream.range(0, backends.size())
          .mapToObj(
              card ->
                  backends
                      .get(card)
                      .compute(
                          () ->
                              shapes.stream()
                                  .map(shape -> scopes.get(card).f32(shape.toArray()))
                                  .toList()))
          .toList();
    }

    List<float[]> values(int card, List<Tensor> tensors) {
      CudaBackend backend = backends.get(card);
      return backend.compute(() -> tensors.stream().map(backend::floats).toList());
    }

    void requireNothingInUse() {
      for (int card = 0; card < backends.size(); card++) {
        CudaBackend backend = backends.get(card);
        backend.run(scopes.get(card)::close);
        assertThat(backend.memoryStatistics().used()).isZero();
        assertThat(backend.memoryStatistics().cached()).isZero();
      }
    }

    @Override
    public void close() {
      collective.close();
      backends.forEach(CudaBackend::close);
      for (CudaBackend backend : backends) {
        assertThat(backend.memoryStatistics().used()).isZero();
        assertThat(backend.memoryStatistics().cached()).isZero();
      }
    }
  }

  /** Another test's card may be lost. */
  @BeforeEach
  void restore() {
    Referee.restore();
  }

  @AfterEach
  void failNoMore() {
    Referee.fail("");
    Referee.restore();
    System.clearProperty(CudaCollectives.PROPERTY);
  }

  private static int[] devices(String list) {
    return Arrays.stream(list.split(" ")).mapToInt(Integer::parseInt).toArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0 1", "1 0", "2 0 1"})
  void everyCardReceivesTheMeanOfTheHostInTheSameBits(String list) {
    List<float[]> expected;
    System.setProperty(CudaCollectives.PROPERTY, "host");
    try (Cards cards = new Cards(devices(list))) {
      assertThat(cards.collective.describe()).isEqualTo("gradients averaged on the host");
      List<List<Tensor>> tensors = cards.filled(ODD);
      cards.collective.average(tensors);
      expected = cards.values(0, tensors.getFirst());
    }
    System.setProperty(CudaCollectives.PROPERTY, "nccl");
    try (Cards cards = new Cards(devices(list))) {
      assertThat(cards.collective.describe()).startsWith("gradients averaged by NCCL 2.");
      List<List<Tensor>> tensors = cards.filled(ODD);
      cards.collective.average(tensors);
      List<float[]> first = cards.values(0, tensors.getFirst());
      for (int t = 0; t < ODD.size(); t++) {
        assertThat(first.get(t)).containsExactly(expected.get(t), within(1e-6f));
      }
      for (int card = 1; card < tensors.size(); card++) {
        List<float[]> other = cards.values(card, tensors.get(card));
        for (int t = 0; t < ODD.size(); t++) {
          assertThat(other.get(t)).containsExactly(first.get(t));
        }
      }
      cards.requireNothingInUse();
    }
  }

  @Test
  void aMeanIsThatOfWhatTheCardsHoldAtEachCall() {
    try (Cards cards = new Cards(0, 1)) {
      List<List<Tensor>> tensors = cards.filled(List.of(Shape.of(2)));
      for (int step = 1; step <= 3; step++) {
        for (int card = 0; card < 2; card++) {
          CudaBackend backend = cards.backends.get(card);
          Tensor tensor = tensors.get(card).getFirst();
          float[] values = {step, card == 0 ? 5 : -3};
          backend.run(() -> backend.upload(values, tensor));
        }
        cards.collective.average(tensors);
        assertThat(cards.values(0, tensors.get(0)).getFirst()).containsExactly(step, 1);
        assertThat(cards.values(1, tensors.get(1)).getFirst()).containsExactly(step, 1);
      }
    }
  }

  @Test
  void emptyListsAndTensorsWithoutElementsGoThrough() {
    try (Cards cards = new Cards(0, 1)) {
      cards.collective.average(List.of(List.of(), List.of()));
      cards.collective.average(cards.empty(List.of(Shape.of(0), Shape.of(3, 0))));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"host", "nccl"})
  void listsThatDoNotAgreeAreRefusedAndTheNextCallWorks(String way) {
    System.setProperty(CudaCollectives.PROPERTY, way);
    try (Cards cards = new Cards(0, 1)) {
      List<List<Tensor>> two = cards.filled(List.of(Shape.of(2), Shape.of(3)));
      for (List<List<Tensor>> wrong :
          List.of(
              List.<List<Tensor>>of(),
              List.of(two.get(0)),
              List.of(two.get(0), two.get(1), two.get(1)),
              List.of(two.get(0), List.<Tensor>of()),
              List.of(two.get(0), two.get(1).reversed()))) {
        assertThatThrownBy(() -> cards.collective.average(wrong))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("average: tensors [")
            .hasMessageEndingWith("on 2 devices");
      }
      cards.collective.average(two);
    }
  }

  @Test
  void tensorsOfAnotherKindOrCardOrReleasedAreRefusedBeforeAnyCardBegins() {
    try (Cards cards = new Cards(0, 1)) {
      List<List<Tensor>> good = cards.filled(List.of(Shape.of(2)));
      CudaBackend second = cards.backends.get(1);
      Tensor whole = second.compute(() -> cards.scopes.get(1).i32(2));
      assertThatThrownBy(() -> cards.collective.average(List.of(good.get(0), List.of(whole))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("average: tensor 0 is I32[2], expected F32[2]");
      assertThatThrownBy(() -> cards.collective.average(good.reversed()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("average: tensor 0 F32[2] belongs to another backend");
      Tensor twice = good.get(1).getFirst();
      List<Tensor> first = cards.filled(List.of(Shape.of(2), Shape.of(2))).getFirst();
      assertThatThrownBy(() -> cards.collective.average(List.of(first, List.of(twice, twice))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("shares memory");
      Scope passing = second.compute(second::scope);
      Tensor released = second.compute(() -> passing.f32(2));
      second.run(passing::close);
      assertThatThrownBy(() -> cards.collective.average(List.of(good.get(0), List.of(released))))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("average: tensor 0 F32[2] (released) was released");
      cards.collective.average(good);
    }
  }

  /** The n-th of three calls on one card, or on any, while the others wait. */
  @ParameterizedTest
  @CsvSource({"nccl@0:1", "nccl@0:2", "nccl@1:3", "nccl@2:1", "nccl:1", "nccl:5", "nccl:9"})
  void aCallThatFailsEndsInOneLineAndNobodyWaitsForEver(String plan) {
    try (Cards cards = new Cards(0, 1, 2)) {
      List<List<Tensor>> tensors =
          cards.filled(List.of(Shape.of(3, 5), Shape.of(1), Shape.of(0), Shape.of(7)));
      Referee.fail(plan);
      assertThatThrownBy(() -> cards.collective.average(tensors))
          .isInstanceOf(WispException.class)
          .hasMessageStartingWith(
              "cuda: average of 4 tensors on cuda:0, cuda:1, cuda:2: ncclAllReduce of F32[")
          .hasMessageContaining(
              " failed: unhandled cuda error (ncclAllReduce: a planned failure); to do without NCCL"
                  + " give -Dwisp.cuda.collective=host")
          .hasMessageNotContaining("\n");
      assertThatThrownBy(() -> cards.collective.average(tensors))
          .isInstanceOf(WispException.class)
          .hasMessageStartingWith(
              "average: the communicators of cuda:0, cuda:1, cuda:2 were ended by an earlier error")
          .hasMessageNotContaining("\n");
      // The cards themselves are sound.
      try (Collective other = Backends.collective(List.copyOf(cards.backends))) {
        other.average(tensors);
      }
      cards.requireNothingInUse();
    }
  }

  @Test
  void aReadOfMemoryThatNothingWroteLosesThatCardAndEndsTheOthersWait() {
    try (Cards cards = new Cards(0, 2)) {
      List<Shape> shapes = List.of(Shape.of(5));
      List<List<Tensor>> written = cards.filled(shapes);
      List<List<Tensor>> mixed = List.of(written.get(0), cards.empty(shapes).get(1));
      assertThatThrownBy(() -> cards.collective.average(mixed))
          .isInstanceOf(WispException.class)
          .hasMessageContaining("ncclGroupEnd of card 2 failed: unhandled cuda error")
          .hasMessageContaining("the device cannot be used any more in this process")
          .hasMessageNotContaining("\n");
      assertThat(cards.values(0, written.get(0)).getFirst()).hasSize(5);
      assertThatThrownBy(() -> cards.values(1, written.get(1)))
          .isInstanceOf(WispException.class)
          .hasMessageContaining("the device was lost in an earlier call");
      cards.requireNothingInUse();
    }
  }

  @Test
  void aBackendThatWasClosedIsRefusedAndTheOthersAreFree() {
    Cards cards = new Cards(0, 1);
    List<List<Tensor>> tensors = cards.filled(List.of(Shape.of(2)));
    cards.backends.get(1).close();
    assertThatThrownBy(() -> cards.collective.average(tensors))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the backend is closed");
    assertThat(cards.values(0, tensors.get(0)).getFirst()).hasSize(2);
    cards.close();
  }

  @Test
  void onlyDifferentCardsAloneShareByNccl() {
    withBackends(
        List.of("cuda:0", "cuda:0"),
        same -> assertThat(described(same)).isEqualTo("gradients averaged on the host"));
    withBackends(
        List.of("cuda:0", "cpu"),
        mixed -> assertThat(described(mixed)).isEqualTo("gradients averaged on the host"));
    withBackends(
        List.of("cuda:2", "cuda:0"),
        cards -> assertThat(described(cards)).startsWith("gradients averaged by NCCL"));
  }

  private static String described(List<Backend> backends) {
    try (Collective collective = Backends.collective(backends)) {
      return collective.describe();
    }
  }

  private static void withBackends(List<String> names, Consumer<List<Backend>> body) {
    List<Backend> open = new ArrayList<>();
    try {
      names.forEach(name -> open.add(Backends.open(name, CpuOptions.standard())));
      body.accept(open);
    } finally {
      open.forEach(Backend::close);
    }
  }

  @Test
  void aWayThatIsNoneIsRefusedWithTheKnownOnes() {
    System.setProperty(CudaCollectives.PROPERTY, "mpi");
    withBackends(
        List.of("cuda:0", "cuda:1"),
        cards ->
            assertThatThrownBy(() -> Backends.collective(cards))
                .isInstanceOf(WispException.class)
                .hasMessage("-Dwisp.cuda.collective is 'mpi'; give auto, nccl or host"));
  }
}
