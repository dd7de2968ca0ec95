package dev.wisp.golden;

import static dev.wisp.golden.GoldenMismatch.require;

import dev.wisp.backend.Backend;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Losses;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.Sgd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Optimiser steps: losses, norms, rates and what became of every weight. */
public final class SgdGolden implements GoldenSubject {
  private static final String FILES = "(sipe_)?sgd_.*";

  // What the folder's README fixes for both settings.
  private static final double WEIGHT_DECAY = 1e-4;
  private static final double CLIP = 1;
  private static final double POWER = 0.9;
  private static final double LOSS = 5e-4;
  private static final double NORM = 2e-3;

  @Override
  public String folder() {
    return "ae_sipe";
  }

  @Override
  public String files() {
    return FILES;
  }

  @Override
  public boolean wholeNetwork() {
    return true;
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    new Run(folder, report, backend).check();
  }

  /** One file on one backend. */
  private record Run(GoldenFolder golden, GoldenCase report, Backend backend) {
    void check() {
      GoldenFile file = report.file();
      int depth = Integer.parseInt(file.text("depth"));
      List<TrainingBatch> batches = batches(file, NetworkGolden.encoder(depth).outputStride());
      int foreground = foreground(file);
      try (AeSipeNet net =
          new AeSipeNet(
              backend,
              NetworkGolden.config(
                  file.text("network"), NetworkGolden.encoder(depth), foreground))) {
        backend.run(() -> NetworkGolden.fill(golden, depth, "", net.parameters()));
        Map<String, float[]> before = values(net.parameters());
        steps(file, net, batches);
        checkWeights(file, net.parameters(), before);
      }
    }

    private void steps(GoldenFile file, AeSipeNet net, List<TrainingBatch> batches) {
      double[] pretrainedRates = file.tensors().doubles("lr_backbone");
      double[] newRates = file.tensors().doubles("lr_new");
      require(pretrainedRates.length == batches.size(), "as many rates as steps");
      JsonNode momenta = new ObjectMapper().readTree(file.text("torch_sgd_momentum"));
      double momentum = momenta.get(0).asDouble();
      momenta.forEach(group -> require(group.asDouble() == momentum, "momenta of groups differ"));
      long total = totalSteps(pretrainedRates);
      Sgd.Options options =
          new Sgd.Options(
              pretrainedRates[0], newRates[0], momentum, WEIGHT_DECAY, CLIP, total, POWER);
      List<Losses> losses = new ArrayList<>();
      double[] norms = new double[batches.size()];
      double[] usedPretrained = new double[batches.size()];
      double[] usedNew = new double[batches.size()];
      try (Sgd sgd = backend.compute(() -> new Sgd(backend, net.parameters(), options))) {
        for (int t = 0; t < batches.size(); t++) {
          losses.add(net.step(batches.get(t)));
          usedPretrained[t] = sgd.rate(Parameter.Group.PRETRAINED);
          usedNew[t] = sgd.rate(Parameter.Group.NEW);
          norms[t] = backend.compute(sgd::step);
        }
      }
      report.check("lr_backbone", usedPretrained);
      report.check("lr_new", usedNew);
      report.checkRelative(
          "lossCLS",
          LOSS,
          losses.stream().mapToDouble(l -> l.part(Losses.CLASSIFICATION)).toArray());
      report.checkRelative(
          "lossGSC", LOSS, losses.stream().mapToDouble(l -> l.part(Losses.CONSISTENCY)).toArray());
      report.checkRelative("loss", LOSS, losses.stream().mapToDouble(Losses::total).toArray());
      report.checkRelative("grad_norm", NORM, norms);
      Losses after = net.losses(batches.getFirst());
      report.checkRelative(
          "loss_after", LOSS, after.part(Losses.CLASSIFICATION), after.part(Losses.CONSISTENCY));
    }

    /** T is stored as text only; the second rate gives it back, and one step needs none. */
    private static long totalSteps(double[] rates) {
      return rates.length == 1 ? 1 : Math.round(1 / (1 - Math.pow(rates[1] / rates[0], 1 / POWER)));
    }

    /** The file's own batches, or those of another file of steps where it has none. */
    private List<TrainingBatch> batches(GoldenFile file, int stride) {
      if (file.has("step0/image_u8")) {
        List<TrainingBatch> batches = new ArrayList<>();
        for (int t = 0; file.has("step" + t + "/image_u8"); t++) {
          batches.add(NetworkGolden.batch(file, "step" + t + "/", stride));
        }
        return batches;
      }
      try (GoldenFile other = sibling(file)) {
        return batches(other, stride);
      }
    }

    private int foreground(GoldenFile file) {
      if (file.has("step0/label")) {
        return file.dims("step0/label")[1];
      }
      try (GoldenFile other = sibling(file)) {
        return other.dims("step0/label")[1];
      }
    }

    /** Another file of the same depth that holds batches. */
    private GoldenFile sibling(GoldenFile file) {
      String depth = file.text("depth");
      for (String stem : golden.stems(FILES)) {
        GoldenFile other = golden.file(stem);
        if (other.has("step0/image_u8") && depth.equals(other.text("depth"))) {
          return other;
        }
        other.close();
      }
      throw new AssertionError("no file holds the batches of " + file.stem());
    }

    private Map<String, float[]> values(List<Parameter> parameters) {
      Map<String, float[]> values = new LinkedHashMap<>();
      for (Parameter parameter : parameters) {
        values.put(parameter.name(), backend.compute(() -> backend.floats(parameter.value())));
      }
      return values;
    }

    private void checkWeights(
        GoldenFile file, List<Parameter> parameters, Map<String, float[]> before) {
      Map<String, float[]> after = values(parameters);
      for (Parameter parameter : parameters) {
        String name = parameter.name();
        float[] was = Objects.requireNonNull(before.get(name));
        float[] is = Objects.requireNonNull(after.get(name));
        if (file.has("after/" + name)) {
          report.checkUpdate("after/" + name, was, is);
        } else {
          require(Arrays.equals(is, was), "%s changes", name);
        }
      }
      file.tensors().names().stream()
          .filter(name -> name.startsWith("after/"))
          .map(name -> name.substring("after/".length()))
          .forEach(name -> require(before.containsKey(name), "the network has no %s", name));
    }
  }
}
