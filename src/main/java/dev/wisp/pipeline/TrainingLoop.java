package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.data.loader.Batch;
import dev.wisp.data.loader.Loader;
import dev.wisp.data.loader.Order;
import dev.wisp.data.loader.SampleSource;
import dev.wisp.data.transform.Augmentation;
import dev.wisp.io.FileErrors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loop around a {@link Learner}: batches, metrics, checkpoints, validation, resuming. A run
 * killed at any moment continues from its last checkpoint with the same bits, because everything
 * random is a function of the seed and the step.
 */
final class TrainingLoop {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);
  private static final int LOADER_THREADS = 2;
  private static final String BEST = "best";

  private final RunDirectory run;
  private final Settings settings;
  private final Learner learner;
  private final Progress progress;
  private final CheckpointFolder checkpoints;
  private double best = Double.NEGATIVE_INFINITY;

  /**
   * How long and how often.
   *
   * @param stage {@code pretrain}, {@code train}, {@code irn} or {@code segment}
   * @param steps of the whole training; an epoch may end early
   * @param fingerprint of the training data: a resumed run must see the same
   * @param text stored with the final weights
   * @param selectWithMasks whether {@code best.safetensors} is kept by validation
   * @param acceptOlder whether a damaged newest checkpoint may be passed over
   */
  record Settings(
      String stage,
      long steps,
      int batch,
      int checkpointEvery,
      Augmentation augmentation,
      String fingerprint,
      Map<String, String> text,
      boolean selectWithMasks,
      boolean acceptOlder) {}

  TrainingLoop(RunDirectory run, Settings settings, Learner learner, Progress progress) {
    this.run = run;
    this.settings = settings;
    this.learner = learner;
    this.progress = progress;
    this.checkpoints = new CheckpointFolder(run.checkpoints());
  }

  /** Refuses a dataset that does not fill one batch. */
  static void requireBatch(SampleSource source, int batch, String dataset) {
    if (source.size() < batch) {
      throw new WispException(
          "%s: %d training images do not fill one batch of %d; lower the batch size with --set"
              .formatted(dataset, source.size(), batch));
    }
  }

  /** Like {@link #run(SampleSource, Runnable)}, without a last pass. */
  TrainingResult run(SampleSource source) {
    return run(source, () -> {});
  }

  /**
   * Trains to the end and writes {@code checkpoints/final.safetensors}.
   *
   * @param lastly run after the last step, before the final weights are written; interrupted, it is
   *     run again
   * @return where they are, and which images could not be used
   */
  TrainingResult run(SampleSource source, Runnable lastly) {
    Order order = new Order(run.recipe().seed(), source.size(), settings.batch);
    long total = settings.steps;
    long begin = restore();
    try (MetricsLog metrics = MetricsLog.open(run.folder(), begin);
        Loader loader =
            new Loader(source, settings.augmentation, order, begin, total, LOADER_THREADS)) {
      if (begin == 0) {
        checkpoint(0, metrics);
      }
      progress.begin(settings.stage, begin * settings.batch, total * settings.batch);
      for (Batch batch = loader.next(); batch != null; ) {
        batch = step(batch, loader, order, total, metrics);
      }
      Path last = run.checkpoints().resolve("final.safetensors");
      if (begin < total || !Files.exists(last)) {
        lastly.run();
        new Checkpoint(learner.weights(), settings.text).write(last);
      }
      return new TrainingResult(last, metrics.skipped());
    } finally {
      progress.end();
    }
  }

  /**
   * One step, and its metrics and checkpoint also where the next batch fails.
   *
   * @return the next batch, fetched while a device computes; null if this was the last
   */
  private @Nullable Batch step(
      Batch batch, Loader loader, Order order, long total, MetricsLog metrics) {
    long began = System.nanoTime();
    Supplier<Map<String, Double>> values = learner.step(batch, batch.step(), total);
    try {
      Batch next = loader.next();
      if (next != null) {
        learner.prefetch(next);
      }
      return next;
    } finally {
      Map<String, Double> numbers = new LinkedHashMap<>(values.get());
      finish(batch, numbers, (System.nanoTime() - began) * 1e-9, order, total, metrics);
    }
  }

  private void finish(
      Batch batch,
      Map<String, Double> values,
      double seconds,
      Order order,
      long total,
      MetricsLog metrics) {
    long done = batch.step() + 1;
    for (Batch.Skipped skipped : batch.skipped()) {
      LOG.warn("skipped: {}", skipped.reason());
      metrics.skip(done, skipped.name(), skipped.reason());
    }
    values.put("epoch", (double) order.epoch(batch.step()));
    values.put("imagesPerSecond", settings.batch / seconds);
    progress.advance(done * settings.batch, "loss %.4f".formatted(values.get("loss")));
    if (!Double.isFinite(values.getOrDefault("loss", 0.0))) {
      throw FileErrors.of(
          run.folder(),
          "the loss is %s at step %d; lower the learning rate with --set"
              .formatted(values.get("loss"), done));
    }
    boolean epochEnds = done % order.stepsPerEpoch() == 0 || done == total;
    if (epochEnds) {
      values.putAll(validate());
      LOG.info(
          "{}: epoch {} of {}: {}",
          settings.stage,
          order.epoch(batch.step()) + 1,
          Math.ceilDiv(total, order.stepsPerEpoch()),
          describe(values));
    }
    metrics.add(done, values);
    if (done % settings.checkpointEvery == 0 || done == total) {
      checkpoint(done, metrics);
    }
  }

  private Map<String, Double> validate() {
    Map<String, Double> values = learner.validate();
    double score = values.getOrDefault(Learner.SELECTION, Double.NaN);
    if (settings.selectWithMasks && score > best) {
      best = score;
      new Checkpoint(learner.weights(), settings.text)
          .write(run.checkpoints().resolve("best.safetensors"));
    }
    return values;
  }

  private void checkpoint(long step, MetricsLog metrics) {
    metrics.sync();
    Map<String, String> text = new LinkedHashMap<>();
    text.put("wisp.stage", settings.stage);
    text.put("wisp.step", Long.toString(step));
    text.put("wisp.data", settings.fingerprint);
    text.put("wisp.seed", Long.toString(run.recipe().seed()));
    if (best > Double.NEGATIVE_INFINITY) {
      text.put("wisp." + BEST, Double.toString(best));
    }
    checkpoints.add(step, new Checkpoint(learner.state(), text));
  }

  /** Restores the newest checkpoint and returns its step; 0 if the run has none yet. */
  private long restore() {
    Optional<Checkpoint> newest = checkpoints.newest(settings.acceptOlder);
    if (newest.isEmpty()) {
      return 0;
    }
    Checkpoint checkpoint = newest.get();
    Map<String, String> text = checkpoint.text();
    if (!settings.stage.equals(text.get("wisp.stage"))) {
      throw FileErrors.of(
          run.folder(),
          "is a run of '%s', not of '%s'".formatted(text.get("wisp.stage"), settings.stage));
    }
    if (!settings.fingerprint.equals(text.get("wisp.data"))) {
      throw FileErrors.of(
          run.folder(),
          "the list of training images or their labels changed since the run began; "
              + "bring them back or start anew with --force");
    }
    best = Double.parseDouble(text.getOrDefault("wisp." + BEST, "-Infinity"));
    long step = Long.parseLong(text.getOrDefault("wisp.step", "0"));
    learner.restore(step, checkpoint);
    LOG.info("{}: continuing after step {}", settings.stage, step);
    return step;
  }

  private static String describe(Map<String, Double> values) {
    StringBuilder text = new StringBuilder();
    values.forEach(
        (name, value) -> {
          if (!name.equals("epoch")) {
            text.append(text.isEmpty() ? "" : ", ").append("%s %.4g".formatted(name, value));
          }
        });
    return text.toString();
  }
}
