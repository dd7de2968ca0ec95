package dev.wisp.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.MemoryStatistics;
import dev.wisp.backend.support.BlockPool;
import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Storage;
import dev.wisp.tensor.Tensor;
import dev.wisp.tensor.WispOutOfMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class CpuMemoryTest {
  private static final long MEGABYTE = 1 << 20;

  @BeforeAll
  static void loadTheLibrary() {
    NativeRuntime.load(1);
  }

  private static BlockPool<MemorySegment> pool(long cache, long limit) {
    return CpuMemory.pool(CpuOptions.standard().withCacheBytes(cache).withLimitBytes(limit));
  }

  @Test
  void aReturnedBlockServesTheNextRequestOfAboutItsSize() {
    BlockPool<MemorySegment> pool = pool(64 * MEGABYTE, Long.MAX_VALUE);
    Storage first = pool.allocate(1000);
    first.free();
    assertThat(pool.allocate(900)).isSameAs(first);
    assertThat(pool.statistics().cached()).isZero();
    pool.close();
  }

  @Test
  void aBlockMoreThanAQuarterTooLargeIsNotUsed() {
    BlockPool<MemorySegment> pool = pool(64 * MEGABYTE, Long.MAX_VALUE);
    Storage large = pool.allocate(64 * 100);
    large.free();
    Storage small = pool.allocate(64 * 79);
    assertThat(small).isNotSameAs(large);
    assertThat(pool.allocate(64 * 80)).isSameAs(large);
    pool.close();
  }

  @Test
  void theSmallestFittingBlockIsTaken() {
    BlockPool<MemorySegment> pool = pool(64 * MEGABYTE, Long.MAX_VALUE);
    Storage larger = pool.allocate(64 * 110);
    Storage better = pool.allocate(64 * 101);
    larger.free();
    better.free();
    assertThat(pool.allocate(64 * 100)).isSameAs(better);
    pool.close();
  }

  @Test
  void hundredsOfSizesStayWithinTheCacheBound() {
    BlockPool<MemorySegment> pool = pool(4 * MEGABYTE, Long.MAX_VALUE);
    for (int i = 1; i <= 400; i++) {
      Storage block = pool.allocate(i * 4096L);
      block.free();
      assertThat(pool.statistics().cached()).isLessThanOrEqualTo(4 * MEGABYTE);
    }
    assertThat(pool.statistics().used()).isZero();
    assertThat(pool.statistics().peak()).isEqualTo(400 * 4096L);
    pool.close();
  }

  @Test
  void usedAndKeptBlocksTogetherStayNearThePeakOfUse() {
    BlockPool<MemorySegment> pool = pool(512 * MEGABYTE, Long.MAX_VALUE);
    CounterRandom random = CounterRandom.of(8);
    ArrayDeque<Storage> lent = new ArrayDeque<>();
    for (int i = 0; i < 2000; i++) {
      if (lent.size() < 6) {
        lent.add(pool.allocate((1 + random.nextInt(40)) * MEGABYTE));
      } else {
        lent.removeFirst().free();
      }
      MemoryStatistics now = pool.statistics();
      assertThat(now.used() + now.cached()).isLessThanOrEqualTo(now.peak() + BlockPool.SLACK);
    }
    assertThat(pool.statistics().peak()).isLessThanOrEqualTo(6 * 40 * MEGABYTE * 5 / 4);
    pool.close();
  }

  @Test
  void atThePeakAMuchLargerBlockIsTakenBeforeOthersAreGivenUp() {
    BlockPool<MemorySegment> pool = pool(512 * MEGABYTE, Long.MAX_VALUE);
    Storage large = pool.allocate(100 * MEGABYTE);
    Storage other = pool.allocate(70 * MEGABYTE);
    large.free();
    other.free();
    Storage fresh = pool.allocate(50 * MEGABYTE);
    assertThat(fresh).as("the bound is not reached yet").isNotSameAs(large).isNotSameAs(other);
    assertThat(pool.allocate(40 * MEGABYTE)).isSameAs(other);
    assertThat(pool.allocate(60 * MEGABYTE))
        .as("the larger block would be a new peak")
        .isNotSameAs(large);
    assertThat(pool.statistics().peak()).isEqualTo(180 * MEGABYTE);
    pool.close();
  }

  @Test
  void theOldestBlockGoesFirst() {
    BlockPool<MemorySegment> pool = pool(64 * 30, Long.MAX_VALUE);
    Storage oldest = pool.allocate(64 * 10);
    Storage middle = pool.allocate(64 * 14);
    Storage newest = pool.allocate(64 * 16);
    oldest.free();
    middle.free();
    newest.free();
    assertThat(pool.statistics().cached()).isEqualTo(64 * 30);
    assertThat(pool.allocate(64 * 10)).isNotSameAs(oldest);
    assertThat(pool.allocate(64 * 14)).isSameAs(middle);
    pool.close();
  }

  @Test
  void aRequestAboveTheLimitIsRefusedWithTheFigures() {
    BlockPool<MemorySegment> pool = pool(MEGABYTE, 10_000);
    Storage held = pool.allocate(6400);
    assertThatThrownBy(() -> pool.allocate(6400))
        .isInstanceOf(WispOutOfMemory.class)
        .hasMessage("6400 bytes do not fit: 6400 of at most 10000 bytes are in use");
    held.free();
    assertThat(pool.allocate(6400)).isNotNull();
    pool.close();
  }

  @Test
  void aSizeTheSystemCannotGiveIsOutOfMemoryAndTheBackendGoesOn() {
    try (CpuBackend backend = CpuBackend.open(CpuOptions.standard())) {
      backend.run(
          () -> {
            try (Scope scope = backend.scope()) {
              assertThatThrownBy(() -> scope.f32(1L << 55)).isInstanceOf(WispOutOfMemory.class);
              assertThatThrownBy(() -> scope.f32(Long.MAX_VALUE))
                  .isInstanceOf(IllegalArgumentException.class);
              Tensor x = scope.f32(3);
              backend.fill(x, 2);
              assertThat(backend.floats(x)).containsExactly(2, 2, 2);
            }
          });
    }
  }

  @Test
  void poisonedMemoryIsNotANumberAlsoWhenReused() {
    try (CpuBackend backend = CpuBackend.open(CpuOptions.standard().withPoison(true))) {
      backend.run(
          () -> {
            for (int round = 0; round < 2; round++) {
              try (Scope scope = backend.scope()) {
                Tensor x = scope.f32(1000);
                assertThat(backend.floats(x)).containsOnly(Float.NaN);
                backend.fill(x, 1);
              }
            }
          });
    }
  }

  @Test
  void emptyTensorsHaveMemoryOfTheirOwn() {
    try (CpuBackend backend = CpuBackend.open(CpuOptions.standard())) {
      backend.run(
          () -> {
            try (Scope scope = backend.scope()) {
              Tensor none = scope.f32(0, 4, 4);
              Tensor other = scope.f32(0, 4, 4);
              backend.copy(none, other);
              assertThat(backend.floats(other)).isEmpty();
            }
          });
      assertThat(backend.memoryStatistics().used()).isZero();
    }
  }
}
