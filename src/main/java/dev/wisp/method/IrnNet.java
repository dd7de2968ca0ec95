package dev.wisp.method;

import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.backend.PathIndex;
import dev.wisp.io.TensorFile;
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
 * Class boundaries and displacements over a frozen encoder (IRN, Ahn, Cho and Kwak, CVPR 2019;
 * method.md section 10). Methods may be called from any thread; they run on the backend's compute
 * thread. The network does not own the backend.
 */
public final class IrnNet implements TrainableNetwork {
  private final Backend backend;
  private final IrnConfig config;
  private final Scope scope;
  private final ResNet encoder;
  private final IrnHead head;
  private final Parameter mean;
  private final PathLosses losses;
  private final List<Parameter> parameters;

  /** Sees taps {@code x1..x5} and what the branches make of them. */
  @FunctionalInterface
  public interface Observer {
    Observer NONE = (name, value) -> {};

    /**
     * @param name {@code x1}..{@code x5}; {@code edges}: outputs of fc_edge1..5 side by side;
     *     {@code deep}: of fc_dp3..5; {@code displacements}: of fc_dp1, 2, 6
     */
    void see(String name, Tensor value);
  }

  /**
   * A field over the positions of an image's boundary map, or of several images' below each other.
   *
   * @param values {@code [height, width, channels]}
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Field(int height, int width, int channels, float[] values) {}

  /** A network with undefined weights: {@link #initialize} or {@link #load} them. */
  public IrnNet(Backend backend, IrnConfig config) {
    this.backend = backend;
    this.config = config;
    this.scope = backend.compute(backend::scope);
    ParameterFactory factory = new ParameterFactory(backend, scope);
    this.encoder = backend.compute(() -> new ResNet(factory, "resnet.", config.encoder()));
    this.head = backend.compute(() -> new IrnHead(factory, config.encoder()));
    this.mean =
        backend.compute(
            () -> factory.create("mean_shift.running_mean", Parameter.Group.STATISTIC, 2));
    this.losses = new PathLosses(backend, PathIndex.of(config.radius()), config.foreground());
    this.parameters = List.copyOf(factory.parameters());
  }

  public IrnConfig config() {
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

  /** Random weights everywhere, a displacement mean of 0; one seed gives the same everywhere. */
  public void initialize(long seed) {
    backend.run(
        () -> {
          encoder.initialize(seed);
          head.initialize(seed);
          mean.set(new float[2]);
        });
  }

  /** Sets all weights from a file, this engine's or the release's; see {@link StateDict#load}. */
  public void load(TensorFile file) {
    backend.run(() -> StateDict.load(file, parameters));
  }

  /** Sets the encoder's weights only, such as torchvision's. */
  public void loadEncoder(TensorFile file) {
    backend.run(() -> StateDict.load(file, encoder.parameters()));
  }

  /** Keeps of the weights only what {@link #boundary} needs; see {@link ResNet#freeze}. */
  public void freeze() {
    backend.run(
        () -> {
          encoder.freeze();
          head.freeze();
        });
  }

  /** Numbers of pairs of each kind, which the losses are divided by. */
  @Override
  public double[] divisors(TrainingBatch batch) {
    return backend.compute(
        () -> {
          try (Tape tape = Tape.inference(backend)) {
            return losses.counts(tape, labels(tape, batch));
          }
        });
  }

  @Override
  public Supplier<Losses> queue(
      TrainingBatch batch, double[] divisors, int parts, @Nullable Tensor lossScale) {
    return backend.compute(
        () -> {
          parameters.forEach(Parameter::clearGradient);
          try (Tape tape = Tape.recording(backend, lossScale)) {
            IrnHead.Output out = head.both(tape, taps(tape, batch), Observer.NONE);
            Losses result = losses.losses(tape, out, labels(tape, batch), divisors, parts);
            out.boundary().release();
            out.displacement().release();
            tape.backward();
            return () -> result;
          }
        });
  }

  /** Both outputs for a batch of crops, as training sees them: logits, then displacements. */
  public List<Field> outputs(TrainingBatch batch) {
    return backend.compute(
        () -> {
          try (Tape tape = Tape.inference(backend)) {
            IrnHead.Output out = head.both(tape, taps(tape, batch), Observer.NONE);
            return List.of(field(out.boundary().value()), field(out.displacement().value()));
          }
        });
  }

  private Field field(Tensor values) {
    int rows = values.shape().dim(0) * values.shape().dim(1);
    return new Field(rows, values.shape().dim(2), values.shape().dim(3), backend.floats(values));
  }

  private ResNet.Features taps(Tape tape, TrainingBatch batch) {
    int stride = outputStride();
    if (batch.height() % stride != 0 || batch.width() % stride != 0) {
      throw new IllegalArgumentException(
          "training crops must be multiples of %d pixels: %dx%d"
              .formatted(stride, batch.height(), batch.width()));
    }
    Tensor images = tape.scope().f32(batch.count(), batch.height(), batch.width(), 3);
    backend.upload(batch.images(), images);
    return encoder.taps(tape, tape.constant(images));
  }

  /** Labels at the boundary map's positions: each takes the pixel in the middle of its own. */
  private Tensor labels(Tape tape, TrainingBatch batch) {
    byte[] masks = batch.masks();
    if (masks == null) {
      throw new IllegalArgumentException("a batch without the labels of its pixels");
    }
    int stride = config.boundaryStride();
    int h = config.boundarySize(batch.height());
    int w = config.boundarySize(batch.width());
    int[] labels = new int[batch.count() * h * w];
    for (int i = 0; i < labels.length; i++) {
      int row = i / w;
      int y = row / h * batch.height() + row % h * stride + stride / 2;
      labels[i] = masks[y * batch.width() + i % w * stride + stride / 2] & 0xFF;
    }
    Tensor tensor = tape.scope().i32(batch.count(), h, w);
    backend.upload(labels, tensor);
    return tensor;
  }

  /** Mean displacement {@code (y, x)} over the positions of a batch, without mean shift. */
  public double[] displacementMean(TrainingBatch batch) {
    Field field = outputs(batch).getLast();
    double[] sums = new double[2];
    for (int i = 0; i < field.values().length; i++) {
      sums[i % 2] += field.values()[i];
    }
    double positions = field.values().length / 2.0;
    return new double[] {sums[0] / positions, sums[1] / positions};
  }

  /** Sets what is taken away from displacements at inference. */
  public void setDisplacementMean(double y, double x) {
    backend.run(() -> mean.set(new float[] {(float) y, (float) x}));
  }

  /**
   * Probability of a class boundary, averaged as logits over the image and its mirror image.
   *
   * <p>Norms see the zeros below and to the right of a padded image, so the padding decides the
   * result: inference pads as training does. A larger image is padded to its own size, never cut
   * (the release cuts it).
   *
   * @param pad side in pixels that the image is padded to
   */
  public Field boundary(ScaledImage image, int pad) {
    return boundary(image, pad, Observer.NONE);
  }

  /** Like {@link #boundary(ScaledImage, int)}; both passes are observed, the image's first. */
  public Field boundary(ScaledImage image, int pad, Observer observer) {
    return backend.compute(
        () -> {
          try (Tape tape = Tape.inference(backend)) {
            Tensor logits = logits(tape, image, pad, false, observer);
            Tensor mirrored = logits(tape, image, pad, true, observer);
            backend.addMirrored(mirrored, logits);
            mirrored.release();
            Tensor boundary = tape.scope().allocate(logits.type(), logits.shape());
            backend.sigmoid(logits, 0.5f, boundary);
            return field(boundary);
          }
        });
  }

  /** Logits of one padded pass, cut to the image's map. */
  private Tensor logits(
      Tape tape, ScaledImage image, int pad, boolean mirrored, Observer observer) {
    Var out = head.boundary(tape, padded(tape, image, pad, mirrored), observer);
    Tensor map = cut(tape, out.value(), image);
    out.release();
    return map;
  }

  private ResNet.Features padded(Tape tape, ScaledImage image, int pad, boolean mirrored) {
    int height = Math.max(pad, image.height());
    int width = Math.max(pad, image.width());
    Tensor pixels = tape.scope().f32(1, height, width, 3);
    backend.fill(pixels, 0);
    image.upload(backend, pixels, mirrored);
    return encoder.taps(tape, tape.constant(pixels));
  }

  private Tensor cut(Tape tape, Tensor whole, ScaledImage image) {
    Tensor map =
        tape.scope()
            .f32(
                1,
                config.boundarySize(image.height()),
                config.boundarySize(image.width()),
                whole.shape().size(3));
    backend.crop(whole, map, 0);
    return map;
  }

  /** Displacements {@code (y, x)} of the unmirrored image, their mean taken away. */
  public Field displacement(ScaledImage image, int pad) {
    return displacement(image, pad, Observer.NONE);
  }

  /** Like {@link #displacement(ScaledImage, int)}, observed. */
  public Field displacement(ScaledImage image, int pad, Observer observer) {
    return backend.compute(
        () -> {
          try (Tape tape = Tape.inference(backend)) {
            IrnHead.Output out = head.both(tape, padded(tape, image, pad, false), observer);
            Field field = field(cut(tape, out.displacement().value(), image));
            float[] shift = backend.floats(mean.value());
            float[] values = field.values();
            for (int i = 0; i < values.length; i++) {
              values[i] -= shift[i % 2];
            }
            return field;
          }
        });
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
