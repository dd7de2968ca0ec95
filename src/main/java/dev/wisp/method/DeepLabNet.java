package dev.wisp.method;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.common.CounterRandom;
import dev.wisp.io.TensorFile;
import dev.wisp.nn.DeepLabHead;
import dev.wisp.nn.DeepLabHead.Dropout;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ParameterFactory;
import dev.wisp.nn.ResNet;
import dev.wisp.nn.StateDict;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * DeepLabV3 (Chen et al., arXiv 1706.05587; method.md section 11) with torchvision's parameter
 * names. Threads as {@link TrainableNetwork} says.
 */
public final class DeepLabNet implements TrainableNetwork {
  private static final long DROPOUT = 0x4450;

  /** First element of the random path of the head; the encoder counts its tensors from 0. */
  private static final long RANDOM_PATH = 2_000_000;

  private static final DeepLabHead.Observer UNOBSERVED = (name, value) -> {};

  private final Backend backend;
  private final DeepLabConfig config;
  private final Scope scope;
  private final ResNet encoder;
  private final DeepLabHead head;
  private final List<Parameter> parameters;
  private long seed;

  /** A network with undefined weights: {@link #initialize} or {@link #load} them. */
  public DeepLabNet(Backend backend, DeepLabConfig config) {
    this.backend = backend;
    this.config = config;
    this.scope = backend.compute(backend::scope);
    ParameterFactory factory = new ParameterFactory(backend, scope);
    this.encoder = backend.compute(() -> new ResNet(factory, "backbone.", config.encoder()));
    this.head =
        backend.compute(
            () ->
                new DeepLabHead(
                    factory,
                    config.encoder().channels(4),
                    config.channels(),
                    config.rates(),
                    config.foreground() + 1));
    this.parameters = List.copyOf(factory.parameters());
  }

  public DeepLabConfig config() {
    return config;
  }

  @Override
  public Backend backend() {
    return backend;
  }

  @Override
  public List<Parameter> parameters() {
    return parameters;
  }

  @Override
  public int outputStride() {
    return config.encoder().outputStride();
  }

  /**
   * Random weights everywhere; one seed gives the same weights on every machine.
   *
   * @param seed of dropout in training too
   */
  public void initialize(long seed) {
    this.seed = seed;
    backend.run(
        () -> {
          encoder.initialize(seed);
          head.initialize(seed, RANDOM_PATH);
        });
  }

  /** Sets all weights from a file, such as torchvision's; its auxiliary head is passed over. */
  public void load(TensorFile file) {
    backend.run(() -> StateDict.load(file, parameters));
  }

  /** Sets the encoder's weights only; the head stays as it is. */
  public void loadEncoder(TensorFile file) {
    backend.run(() -> StateDict.load(file, encoder.parameters()));
  }

  /** Whether a file has weights for the whole network. */
  public boolean isCoveredBy(TensorFile file) {
    return StateDict.covers(file, parameters);
  }

  /** Keeps of the weights only what {@link #segment} needs; see {@link AeSipeNet#freeze}. */
  public void freeze() {
    backend.run(
        () -> {
          encoder.freeze();
          head.freeze();
        });
  }

  /**
   * {@inheritDoc}
   *
   * <p>The loss is the mean cross-entropy over the batch's labelled pixels.
   *
   * @param batch with masks; crops of any size; with live norms two images or more
   */
  @Override
  public Supplier<Losses> queue(
      TrainingBatch batch, double[] divisors, int parts, @Nullable Tensor lossScale) {
    byte[] masks = batch.masks();
    if (masks == null) {
      throw new IllegalArgumentException("segmentation is trained on masks; the batch has none");
    }
    if (config.liveNorms() && batch.count() < 2) {
      throw new IllegalArgumentException(
          "the norm of the pyramid's image mean has no variance over one image");
    }
    return backend.compute(
        () -> {
          parameters.forEach(Parameter::clearGradient);
          try (Tape tape = Tape.recording(backend, lossScale)) {
            Tensor loss = loss(tape, batch, masks);
            tape.backward();
            Supplier<float[]> value = backend.read(loss);
            return () -> Losses.of(Losses.CROSS_ENTROPY, value.get()[0]);
          }
        });
  }

  /** The loss of a batch, {@code [1]}. */
  Tensor loss(Tape tape, TrainingBatch batch, byte[] masks) {
    Tensor images = tape.scope().f32(batch.count(), batch.height(), batch.width(), 3);
    backend.upload(batch.images(), images);
    boolean live = config.liveNorms();
    Var x4 = encoder.forwardWhole(tape, tape.constant(images), live);
    Var logits = head.forward(tape, x4, live, dropout(batch, x4), UNOBSERVED);
    Tensor labels =
        tape.scope().allocate(DType.U8, Shape.of(batch.count(), batch.height(), batch.width()));
    backend.upload(masks, labels);
    Tensor loss = FeatureFunctions.pixelCrossEntropy(tape, logits, labels);
    logits.release();
    return loss;
  }

  /** A function of the seed, the step and the image's place in it, not of who computes it. */
  private Dropout dropout(TrainingBatch batch, Var x4) {
    Shape s = x4.value().shape();
    long each = s.size(1) * s.size(2) * config.channels();
    return new Dropout(
        config.dropout(), CounterRandom.key(seed, DROPOUT, batch.step()), batch.first() * each);
  }

  /**
   * Scores of an image at the output stride, {@code [h, w, K + 1]}.
   *
   * @param observer sees {@code layer1} to {@code layer4}, {@code aspp.convs.0} and so on, {@code
   *     aspp} and {@code logits}
   */
  public float[] scores(ScaledImage image, DeepLabHead.Observer observer) {
    return backend.compute(
        () -> {
          try (Tape tape = Tape.inference(backend)) {
            return backend.floats(logits(tape, image.upload(tape, false), observer).value());
          }
        });
  }

  private Var logits(Tape tape, Tensor images, DeepLabHead.Observer observer) {
    ResNet.Features features =
        encoder.forward(tape, tape.constant(images), ResNet.StemObserver.NONE);
    Var x = features.next();
    for (int n = 1; n < 4; n++) {
      observer.see(layer(n), x.value());
      x.release();
      x = features.next();
    }
    observer.see(layer(4), x.value());
    Var logits = head.forward(tape, x, false, Dropout.NONE, observer);
    observer.see("logits", logits.value());
    return logits;
  }

  private static String layer(int n) {
    return String.format(Locale.ROOT, "layer%d", n);
  }

  /**
   * Labels of an image: of each pixel the class of the largest score, or with several passes of the
   * largest mean probability.
   *
   * @param scales the image at each scale, in any order
   * @param mirror whether each scale's mirror image counts as well
   * @return class ids, {@code [height, width]}
   */
  public int[] segment(List<ScaledImage> scales, boolean mirror, int height, int width) {
    return backend.compute(
        () -> {
          try (Tape total = Tape.inference(backend)) {
            Tensor labels = total.scope().i32(1, height, width);
            if (scales.size() == 1 && !mirror) {
              Tensor pixels = scales.getFirst().upload(total, false);
              backend.argmaxLogits(logits(total, pixels, UNOBSERVED).value(), labels);
            } else {
              backend.argmaxLogits(sum(total, scales, mirror, height, width), labels);
            }
            return backend.ints(labels);
          }
        });
  }

  /**
   * Mean probabilities of the classes over all passes.
   *
   * @return {@code [height, width, K + 1]}
   */
  public float[] probabilities(List<ScaledImage> scales, boolean mirror, int height, int width) {
    return backend.compute(
        () -> {
          try (Tape total = Tape.inference(backend)) {
            float[] sum = backend.floats(sum(total, scales, mirror, height, width));
            float passes = scales.size() * (mirror ? 2 : 1);
            for (int i = 0; i < sum.length; i++) {
              sum[i] /= passes;
            }
            return sum;
          }
        });
  }

  /** Probabilities of all passes, added up. */
  private Tensor sum(Tape total, List<ScaledImage> scales, boolean mirror, int height, int width) {
    int classes = config.foreground() + 1;
    Tensor sum = total.scope().f32(1, height, width, classes);
    backend.fill(sum, 0);
    for (ScaledImage image : scales) {
      try (Tape tape = Tape.inference(backend)) {
        backend.addProbabilities(logits(tape, image.upload(tape, false), UNOBSERVED).value(), sum);
      }
      if (mirror) {
        try (Tape tape = Tape.inference(backend)) {
          Tensor mirrored = logits(tape, image.upload(tape, true), UNOBSERVED).value();
          Tensor turned = tape.scope().allocate(mirrored.type(), mirrored.shape());
          backend.fill(turned, 0);
          backend.addMirrored(mirrored, turned);
          backend.addProbabilities(turned, sum);
        }
      }
    }
    return sum;
  }

  @Override
  public void close() {
    backend.run(
        () -> {
          encoder.close();
          head.close();
          scope.close();
        });
  }
}
