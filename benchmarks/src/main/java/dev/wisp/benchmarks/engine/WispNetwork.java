package dev.wisp.benchmarks.engine;

import dev.wisp.autograd.FeatureFunctions;
import dev.wisp.autograd.MapFunctions;
import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.benchmarks.Network;
import dev.wisp.benchmarks.Workload;
import dev.wisp.common.HashFill;
import dev.wisp.nn.Conv;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ParameterFactory;
import dev.wisp.nn.ResNet;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The encoder with a classifier, its loss and gradients, on Wisp's own layers and tape. */
final class WispNetwork implements Workload {
  private final Backend backend;
  private final Scope scope;
  private final ResNet encoder;
  private final Conv classifier;
  private final List<Parameter> parameters;
  private final List<Parameter> trained = new ArrayList<>();
  private final Tensor images;
  private final Tensor labels;

  WispNetwork(Backend backend) {
    this.backend = backend;
    scope = backend.compute(backend::scope);
    ParameterFactory factory = new ParameterFactory(backend, scope);
    ResNetConfig config = ResNetConfig.resnet101();
    encoder = backend.compute(() -> new ResNet(factory, "resnet.", config));
    classifier =
        backend.compute(() -> new Conv(factory, "classifier", config.channels(4), Network.CLASSES));
    parameters = List.copyOf(factory.parameters());
    images =
        backend.compute(
            () ->
                Layouts.channelsLast(
                    backend, scope, Network.images(), Network.BATCH, 3, Network.SIZE));
    labels = backend.compute(() -> scope.f32(Network.BATCH, Network.CLASSES));
    backend.run(this::load);
  }

  private void load() {
    backend.upload(Network.labels(), labels);
    Map<String, Parameter> byName = new HashMap<>();
    parameters.forEach(parameter -> byName.put(parameter.name(), parameter));
    for (Network.Parameter wanted : Network.parameters()) {
      Parameter parameter = byName.remove(wanted.name());
      if (parameter == null) {
        throw new IllegalStateException("the network has no tensor " + wanted.name());
      }
      parameter.set(HashFill.fill("", wanted.name(), wanted.shape()));
      if (wanted.trained()) {
        trained.add(parameter);
      }
    }
    if (!byName.isEmpty()) {
      throw new IllegalStateException("the network has other tensors: " + byName.keySet());
    }
  }

  @Override
  public void run() {
    backend.run(
        () -> {
          try (Tape tape = Tape.recording(backend)) {
            step(tape);
          }
        });
  }

  @Override
  public Map<String, float[]> values() {
    return backend.compute(
        () -> {
          Map<String, float[]> values = new LinkedHashMap<>();
          try (Tape tape = Tape.inference(backend)) {
            values.put("score", backend.floats(score(tape).value()));
          }
          try (Tape tape = Tape.recording(backend)) {
            values.put("loss", backend.floats(step(tape)));
          }
          float[] norms = new float[trained.size()];
          double total = 0;
          for (int i = 0; i < norms.length; i++) {
            double squares = 0;
            for (float g : backend.floats(trained.get(i).gradient())) {
              squares += (double) g * g;
            }
            norms[i] = (float) Math.sqrt(squares);
            total += squares;
          }
          values.put("gradient norm", new float[] {(float) Math.sqrt(total)});
          values.put("gradient norms", norms);
          return values;
        });
  }

  /** Forward and backward as after an optimiser's step: trained weights count as changed. */
  private Tensor step(Tape tape) {
    for (Parameter parameter : trained) {
      parameter.changed();
      parameter.clearGradient();
    }
    Tensor loss = MapFunctions.softMarginLoss(tape, score(tape), labels);
    tape.backward();
    return loss;
  }

  private Var score(Tape tape) {
    Var x4 = encoder.forward(tape, tape.borrowed(images), stem -> {}).x4();
    Var cam = classifier.forward(tape, x4);
    x4.release();
    Var score = FeatureFunctions.spatialMean(tape, cam);
    cam.release();
    return score;
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
