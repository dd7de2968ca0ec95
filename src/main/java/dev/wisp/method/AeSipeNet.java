package dev.wisp.method;

import dev.wisp.autograd.MapFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.io.TensorFile;
import dev.wisp.method.AeSipeConfig.SeedFeature;
import dev.wisp.method.Observer.Stage;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ParameterFactory;
import dev.wisp.nn.ResNet;
import dev.wisp.nn.StateDict;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The AE-SIPE network in training, validation and inference. Methods may be called from any thread;
 * they run on the backend's compute thread. The network does not own the backend.
 */
public final class AeSipeNet implements TrainableNetwork {
  private final Backend backend;
  private final AeSipeConfig config;
  private final Scope scope;
  private final ResNet encoder;
  private final Head head;
  private final List<Parameter> parameters;

  /** A network with undefined weights: {@link #initialize} or {@link #load} them. */
  public AeSipeNet(Backend backend, AeSipeConfig config) {
    this.backend = backend;
    this.config = config;
    this.scope = backend.compute(backend::scope);
    ParameterFactory factory = new ParameterFactory(backend, scope);
    this.encoder = backend.compute(() -> new ResNet(factory, "resnet.", config.encoder()));
    this.head = backend.compute(() -> new Head(factory, config));
    this.parameters = List.copyOf(factory.parameters());
  }

  public AeSipeConfig config() {
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

  /** Random weights everywhere; one seed gives the same weights on every machine. */
  public void initialize(long seed) {
    backend.run(
        () -> {
          encoder.initialize(seed);
          head.initialize(seed);
        });
  }

  /** Sets all weights from a file; see {@link StateDict#load}. */
  public void load(TensorFile file) {
    backend.run(() -> StateDict.load(file, parameters));
  }

  /** Sets the encoder's weights only, such as torchvision's; the head stays as it is. */
  public void loadEncoder(TensorFile file) {
    backend.run(() -> StateDict.load(file, encoder.parameters()));
  }

  /**
   * Keeps of the weights only what labelling and validation need, which halves their memory. From
   * then on the weights can be neither trained nor read nor loaded: that throws {@link
   * IllegalStateException}.
   */
  public void freeze() {
    backend.run(
        () -> {
          encoder.freeze();
          head.freeze();
        });
  }

  @Override
  public Supplier<Losses> queue(
      TrainingBatch batch, double[] divisors, int parts, @Nullable Tensor lossScale) {
    return run(batch, Observer.NONE, () -> Tape.recording(backend, lossScale));
  }

  /** Like {@link #step(TrainingBatch)}, observed. */
  public Losses step(TrainingBatch batch, Observer observer) {
    return run(batch, observer, () -> Tape.recording(backend)).get();
  }

  /** The losses alone, without gradients. */
  public Losses losses(TrainingBatch batch) {
    return run(batch, Observer.NONE, () -> Tape.inference(backend)).get();
  }

  private Supplier<Losses> run(TrainingBatch batch, Observer observer, Supplier<Tape> tapes) {
    int stride = outputStride();
    if (batch.height() % stride != 0 || batch.width() % stride != 0) {
      throw new IllegalArgumentException(
          "training crops must be multiples of %d pixels: %dx%d"
              .formatted(stride, batch.height(), batch.width()));
    }
    return backend.compute(
        () -> {
          parameters.forEach(Parameter::clearGradient);
          try (Tape tape = tapes.get()) {
            Tensor images = tape.scope().f32(batch.count(), batch.height(), batch.width(), 3);
            backend.upload(batch.images(), images);
            Tensor guide = Guide.of(backend, tape.scope(), images, config.guideStride());
            Head.Output out = encode(tape, images, comparesX4(), observer);
            return finish(tape, out, guide, batch, observer);
          }
        });
  }

  /** Whether structure analysis compares x4 in training and validation. */
  private boolean comparesX4() {
    return config.seedFeature() == SeedFeature.SEMANTIC;
  }

  /** Encoder and head; lets go of the images. */
  private Head.Output encode(Tape tape, Tensor images, boolean keepX4, Observer observer) {
    ResNet.StemObserver seen =
        observer == Observer.NONE
            ? ResNet.StemObserver.NONE
            : stem -> observer.see(Stage.STEM, stem);
    ResNet.Features features = encoder.forward(tape, tape.constant(images), seen);
    return head.forward(tape, features, keepX4, observer);
  }

  /**
   * A step of the layers over the encoder alone: losses of features computed elsewhere, and their
   * gradients if the tape records. Call it on the compute thread.
   *
   * @param features taken over
   * @param images normalised, {@code [N, H, W, 3]}, for the guide
   * @param batch labels and validity; its images are not read
   */
  public Losses headStep(
      Tape tape, ResNet.Features features, Tensor images, TrainingBatch batch, Observer observer) {
    parameters.forEach(Parameter::clearGradient);
    Tensor guide = Guide.of(backend, tape.scope(), images, config.guideStride());
    Head.Output out = head.forward(tape, features, comparesX4(), observer);
    return finish(tape, out, guide, batch, observer).get();
  }

  private Supplier<Losses> finish(
      Tape tape, Head.Output out, Tensor guide, TrainingBatch batch, Observer observer) {
    TrainingHead training = new TrainingHead(tape, config, batch.labels(), observer);
    TrainingHead.Result losses = training.losses(out, guide, batch.labels(), batch.valid());
    if (tape.isRecording()) {
      tape.backward();
    }
    Supplier<float[]> classification = backend.read(losses.classification());
    Supplier<float[]> consistency = backend.read(losses.consistency());
    return () ->
        Losses.sum(
            Losses.CLASSIFICATION,
            classification.get()[0],
            Losses.CONSISTENCY,
            consistency.get()[0]);
  }

  /** Like {@link #validate(ScaledImage, int[], Observer)}, unobserved. */
  public int[] validate(ScaledImage image, int[] present) {
    return validate(image, present, Observer.NONE);
  }

  /**
   * Validation (method.md section 7): the training network on one image of any size, its maps
   * normalised by their maxima, without background factor.
   *
   * @param present foreground class ids of the image
   * @return class ids, {@code [height, width]}
   */
  public int[] validate(ScaledImage image, int[] present, Observer observer) {
    return backend.compute(
        () -> {
          try (Tape tape = Tape.inference(backend)) {
            Tensor pixels = image.upload(tape, false);
            Tensor guide = Guide.of(backend, tape.scope(), pixels, config.guideStride());
            Head.Output out = encode(tape, pixels, comparesX4(), observer);
            TrainingHead training = new TrainingHead(tape, config, new int[][] {present}, observer);
            Var last = training.maps(out, guide);
            Tensor large =
                MapFunctions.resize(tape, last.value(), image.height(), image.width(), false);
            Var full =
                MapFunctions.normalize(tape, tape.result(large), Normalization.MAX, Head.EPS);
            Tensor labels = tape.scope().i32(1, image.height(), image.width());
            backend.argmaxMaps(full.value(), training.present(), 1, labels);
            return backend.ints(labels);
          }
        });
  }

  /** Like {@link #localize(List, int[], Observer)}, unobserved. */
  public Localization localize(List<ScaledImage> scales, int[] present) {
    return localize(scales, present, Observer.NONE);
  }

  /**
   * Localisation maps fused over scales (method.md section 8). Classes without a label compete for
   * the background's map and for seeds.
   *
   * @param scales the image at each scale, the first one at its own size
   * @param present foreground class ids of the image
   * @param observer sees the stages after the fusion of image and mirror, scale by scale
   */
  public Localization localize(List<ScaledImage> scales, int[] present, Observer observer) {
    int height = scales.getFirst().height();
    int width = scales.getFirst().width();
    ClassRows rows = ClassRows.present(new int[][] {present}, config.foreground());
    return backend.compute(
        () -> {
          try (Tape total = Tape.inference(backend)) {
            Tensor sum = total.scope().f32(rows.rows(), height, width);
            backend.fill(sum, 0);
            for (ScaledImage image : scales) {
              try (Tape tape = Tape.inference(backend)) {
                Tensor maps = localizeScale(tape, image, rows, observer);
                Tensor large = MapFunctions.resize(tape, maps, height, width, false);
                backend.addScaled(1, large, sum);
              }
            }
            Var fused =
                MapFunctions.normalize(total, total.result(sum), Normalization.MAX, Head.EPS);
            return new Localization(rows.ids(), height, width, backend.floats(fused.value()));
          }
        });
  }

  /** Maps of the present classes at one scale, {@code [rows, h, w]}. */
  private Tensor localizeScale(Tape tape, ScaledImage image, ClassRows rows, Observer observer) {
    // One pass after the other: half the memory of a batch of two.
    Tensor pixels = image.upload(tape, false);
    Tensor guide = Guide.of(backend, tape.scope(), pixels, config.guideStride());
    Head.Output out = encode(tape, pixels, false, Observer.NONE);
    Head.Output mirrored = encode(tape, image.upload(tape, true), false, Observer.NONE);
    backend.addMirrored(mirrored.cam().value(), out.cam().value());
    backend.addMirrored(mirrored.feature().value(), out.feature().value());
    mirrored.release();
    observer.see(Stage.CAM, out.cam().value());
    observer.see(Stage.FEATURE, out.feature().value());
    ClassRows all = ClassRows.all(1, config.foreground());
    Var maps = MapFunctions.camToMaps(tape, out.cam(), null, all, Head.EPS);
    MapPipeline pipeline = new MapPipeline(tape, config, rows, guide, observer);
    // Both releases compare the hierarchical feature here, whatever training compared.
    Tensor seeds = pipeline.seeds(out.feature().value(), maps.value(), all, null);
    maps.release();
    Var last = pipeline.run(out.feature(), seeds);
    out.release();
    return last.value();
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
