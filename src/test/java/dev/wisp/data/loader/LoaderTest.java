package dev.wisp.data.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.CounterRandom;
import dev.wisp.common.WispException;
import dev.wisp.data.transform.Augmentation;
import dev.wisp.data.transform.Scaling;
import dev.wisp.io.Image;
import dev.wisp.io.Mask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LoaderTest {
  private static final Augmentation AUGMENTATION =
      new Augmentation(16, new Scaling.LongSide(10, 30), 0.5);

  /** Images of random pixels; sample i carries class i + 1; some cannot be decoded. */
  private static class Source implements SampleSource {
    final int size;
    final Set<Integer> damaged;

    Source(int size, Set<Integer> damaged) {
      this.size = size;
      this.damaged = damaged;
    }

    @Override
    public int size() {
      return size;
    }

    @Override
    public String name(int index) {
      return "image" + index;
    }

    @Override
    public int[] labels(int index) {
      return new int[] {index + 1};
    }

    @Override
    public Image image(int index) {
      if (damaged.contains(index)) {
        throw new WispException("image" + index + ": truncated");
      }
      byte[] rgb = new byte[3 * 20 * 13];
      CounterRandom random = CounterRandom.of(9, index);
      for (int i = 0; i < rgb.length; i++) {
        rgb[i] = (byte) random.nextInt(256);
      }
      return new Image(20, 13, rgb);
    }
  }

  private static List<Batch> load(Source source, long begin, long end, int threads) {
    List<Batch> batches = new ArrayList<>();
    try (Loader loader =
        new Loader(source, AUGMENTATION, new Order(5, source.size, 3), begin, end, threads)) {
      for (Batch batch = loader.next(); batch != null; batch = loader.next()) {
        batches.add(batch);
      }
    }
    return batches;
  }

  @Test
  void anEpochVisitsEachSampleAtMostOnceAndDropsThePartialBatch() {
    List<Batch> epoch = load(new Source(11, Set.of()), 0, 3, 2);
    Set<Integer> seen = new HashSet<>();
    for (Batch batch : epoch) {
      for (int[] labels : batch.labels()) {
        assertThat(seen.add(labels[0])).isTrue();
      }
    }
    assertThat(seen).hasSize(9);
    Order order = new Order(5, 11, 3);
    assertThat(order.stepsPerEpoch()).isEqualTo(3);
    assertThat(order.epoch(2)).isZero();
    assertThat(order.epoch(3)).isEqualTo(1);
    assertThat(order.at(0)).isNotEqualTo(order.at(3));
  }

  @Test
  void batchesDependOnTheStepAloneNotOnThreadsOrWhereOneBegins() {
    Source source = new Source(7, Set.of());
    List<Batch> all = load(source, 0, 6, 1);
    List<Batch> late = load(source, 4, 6, 3);
    assertThat(all).hasSize(6);
    assertThat(late).hasSize(2);
    for (int i = 0; i < 2; i++) {
      assertThat(late.get(i).step()).isEqualTo(4 + i);
      assertThat(late.get(i).pixels()).isEqualTo(all.get(4 + i).pixels());
      assertThat(late.get(i).labels()).isEqualTo(all.get(4 + i).labels());
    }
    assertThat(all.get(0).pixels()).isNotEqualTo(all.get(2).pixels());
  }

  @Test
  void aDamagedImageIsReplacedByTheNextAndNamed() {
    List<Batch> batches = load(new Source(6, Set.of(2)), 0, 2, 2);
    List<Batch.Skipped> skipped = new ArrayList<>();
    for (Batch batch : batches) {
      skipped.addAll(batch.skipped());
      for (int[] labels : batch.labels()) {
        assertThat(labels[0]).isNotEqualTo(3);
      }
    }
    assertThat(skipped).containsExactly(new Batch.Skipped("image2", "image2: truncated"));
  }

  @Test
  void aPartOfABatchKnowsWhereItLiesAndKeepsItsMasks() {
    SampleSource source =
        new Source(4, Set.of()) {
          @Override
          public Mask mask(int index, Image image) {
            byte[] labels = new byte[image.width() * image.height()];
            Arrays.fill(labels, (byte) index);
            return new Mask(image.width(), image.height(), labels);
          }
        };
    Augmentation small = new Augmentation(8, new Scaling.LongSide(40, 40), 0.5);
    try (Loader loader = new Loader(source, small, new Order(5, 4, 4), 0, 1, 1)) {
      Batch whole = Objects.requireNonNull(loader.next());
      Batch part = whole.part(1, 3).part(1, 2);
      assertThat(part.first()).isEqualTo(2);
      assertThat(part.masks()).hasSize(64).containsOnly((byte) (whole.labels()[2][0] - 1));
      assertThat(whole.masks()).hasSize(256);
    }
  }

  @Test
  void ifNoImageCanBeDecodedTheErrorSaysSo() {
    Source source = new Source(3, Set.of(0, 1, 2));
    assertThatThrownBy(() -> load(source, 0, 1, 2))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("none of the 3 images")
        .hasMessageContaining("truncated");
  }

  @Test
  void closingEarlyEndsTheThreads() {
    Loader loader =
        new Loader(new Source(30, Set.of()), AUGMENTATION, new Order(5, 30, 3), 0, 1000, 2);
    assertThat(loader.next()).isNotNull();
    loader.close();
    assertThat(
            Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("wisp-loader") && thread.isAlive()))
        .isEmpty();
  }
}
