package dev.wisp.method;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.MapFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.io.TensorFile;
import dev.wisp.nn.Conv;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ParameterFactory;
import dev.wisp.nn.ResNet;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.nn.StateDict;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The encoder as a plain multi-label classifier, trained from random weights with live batch norm,
 * for data without ImageNet weights. Its state loads into {@link AeSipeNet#loadEncoder}. Threads as
 * {@link TrainableNetwork} says.
 */
public final class ClassifierNet implements TrainableNetwork {
  private final Backend backend;
  private final int foreground;
  private final Scope scope;
  private final ResNet encoder;
  private final Conv classifier;
  private final List<Parameter> parameters;

  /** A network with undefined weights: {@link #initialize} or {@link #load} them. */
  public ClassifierNet(Backend backend, ResNetConfig config, int foreground) {
    this.backend = backend;
    this.foreground = foreground;
    this.scope = backend.compute(backend::scope);
    ParameterFactory factory = new ParameterFactory(backend, scope);
    this.encoder = backend.compute(() -> new ResNet(factory, "resnet.", config));
    this.classifier =
        backend.compute(() -> new Conv(factory, "classifier", config.channels(4), foreground));
    this.parameters = List.copyOf(factory.parameters());
  }

  /** Random weights; one seed gives the same weights on every machine. */
  public void initialize(long seed) {
    backend.run(
        () -> {
          encoder.initialize(seed);
          Head.initialize(classifier.weight(), seed, 0);
        });
  }

  /** Sets all weights from a file; see {@link StateDict#load}. */
  public void load(TensorFile file) {
    backend.run(() -> StateDict.load(file, parameters));
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
    return encoder.config().outputStride();
  }

  @Override
  public Supplier<Losses> queue(
      TrainingBatch batch, double[] divisors, int parts, @Nullable Tensor lossScale) {
    return backend.compute(
        () -> {
          parameters.forEach(Parameter::clearGradient);
          try (Tape tape = Tape.recording(backend, lossScale)) {
            Tensor images = tape.scope().f32(batch.count(), batch.height(), batch.width(), 3);
            backend.upload(batch.images(), images);
            Var x4 = encoder.forwardWhole(tape, tape.constant(images), true);
            Tensor label = tape.scope().f32(batch.count(), foreground);
            backend.upload(TrainingBatch.matrix(batch.labels(), foreground), label);
            Tensor loss = MapFunctions.softMarginLoss(tape, score(tape, x4), label);
            tape.backward();
            Supplier<float[]> value = backend.read(loss);
            return () -> Losses.of(Losses.CLASSIFICATION, value.get()[0]);
          }
        });
  }

  private Var score(Tape tape, Var x4) {
    Var cam = classifier.forward(tape, x4);
    x4.release();
    Var score = FeatureFunctions.spatialMean(tape, cam);
    cam.release();
    return score;
  }

  /** Class scores of one image with the running statistics: positive means present. */
  public float[] scores(ScaledImage image) {
    return backend.compute(
        () -> {
          try (Tape tape = Tape.inference(backend)) {
            Tensor images = image.upload(tape, false);
            Var x4 = encoder.forward(tape, tape.constant(images), ResNet.StemObserver.NONE).x4();
            return backend.floats(score(tape, x4).value());
          }
        });
  }

  @Override
  public void close() {
    backend.run(
        () -> {
          encoder.close();
          classifier.close();
          scope.close();
        });
  }
}
