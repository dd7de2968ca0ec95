package dev.wisp.data.loader;

import dev.wisp.common.CounterRandom;
import dev.wisp.common.WispException;
import dev.wisp.data.transform.Augmentation;
import dev.wisp.data.transform.Crop;
import dev.wisp.io.Image;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Prepares the batches of a training ahead of time on a few threads. What a batch holds depends on
 * the seed and its step alone, never on timing, so a training can begin at any step. An image that,
 * or whose mask, cannot be decoded is replaced by the next one that can, and named. Use from one
 * thread; closing stops the threads.
 */
public final class Loader implements AutoCloseable {
  private static final long AUGMENT = 0x4155;
  private static final int BATCHES_AHEAD = 2;

  private final SampleSource source;
  private final Augmentation augmentation;
  private final Order order;
  private final long end;
  private final ExecutorService threads;
  private final Deque<List<Future<Sample>>> ahead = new ArrayDeque<>();
  private long submitted;
  private long next;

  private record Sample(Crop crop, int[] labels, List<Batch.Skipped> skipped) {}

  /**
   * Starts preparing.
   *
   * @param begin first step
   * @param end one past the last step
   * @param threads how many decode at a time, at least 1
   */
  public Loader(
      SampleSource source,
      Augmentation augmentation,
      Order order,
      long begin,
      long end,
      int threads) {
    this.source = source;
    this.augmentation = augmentation;
    this.order = order;
    this.submitted = begin;
    this.next = begin;
    this.end = end;
    this.threads =
        Executors.newFixedThreadPool(
            threads, task -> Thread.ofPlatform().name("wisp-loader").daemon().unstarted(task));
    fill();
  }

  private void fill() {
    while (submitted < end && ahead.size() < BATCHES_AHEAD) {
      long step = submitted++;
      List<Future<Sample>> samples = new ArrayList<>();
      for (int index : order.at(step)) {
        samples.add(threads.submit(() -> prepare(index, order.epoch(step))));
      }
      ahead.add(samples);
    }
  }

  private Sample prepare(int index, int epoch) {
    List<Batch.Skipped> skipped = new ArrayList<>();
    for (int i = 0; i < source.size(); i++) {
      int candidate = (index + i) % source.size();
      try {
        CounterRandom random = CounterRandom.of(order.seed(), AUGMENT, epoch, index);
        Image image = source.image(candidate);
        Crop crop = augmentation.apply(image, source.mask(candidate, image), random);
        return new Sample(crop, source.labels(candidate), skipped);
      } catch (WispException damaged) {
        skipped.add(
            new Batch.Skipped(source.name(candidate), String.valueOf(damaged.getMessage())));
      }
    }
    throw new WispException(
        "none of the %d images can be decoded; the first: %s"
            .formatted(source.size(), skipped.getFirst().reason()));
  }

  /** The next batch, or null after the last; waits until it is ready. */
  public @Nullable Batch next() {
    List<Future<Sample>> waiting = ahead.poll();
    if (waiting == null) {
      return null;
    }
    List<Crop> crops = new ArrayList<>();
    List<Batch.Skipped> skipped = new ArrayList<>();
    int[][] labels = new int[waiting.size()][];
    for (Future<Sample> future : waiting) {
      Sample sample = await(future);
      labels[crops.size()] = sample.labels();
      crops.add(sample.crop());
      skipped.addAll(sample.skipped());
    }
    fill();
    return new Batch(next++, 0, crops, labels, skipped);
  }

  private static Sample await(Future<Sample> future) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a batch", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException runtime -> throw runtime;
        case Error error -> throw error;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
    ahead.clear();
    try {
      // A decode cannot be interrupted, but it is short.
      if (!threads.awaitTermination(1, TimeUnit.MINUTES)) {
        throw new IllegalStateException("a loader thread does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
