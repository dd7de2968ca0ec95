package dev.wisp.golden;

import static dev.wisp.golden.GoldenMismatch.require;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Losses;
import dev.wisp.method.Observer.Stage;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** One training step of the whole network: features, maps, losses and every gradient. */
public final class TrainGolden implements GoldenSubject {
  private static final double GRADIENT_NORM = 3e-4;

  @Override
  public String folder() {
    return "ae_sipe";
  }

  @Override
  public String files() {
    return "(sipe_)?train_.*";
  }

  @Override
  public boolean wholeNetwork() {
    return true;
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    compare(folder, report, backend);
  }

  private static void compare(GoldenFolder golden, GoldenCase report, Backend backend) {
    GoldenFile file = report.file();
    int depth = Integer.parseInt(file.text("depth"));
    int foreground = file.dims("label")[1];
    AeSipeConfig config =
        NetworkGolden.config(file.text("network"), NetworkGolden.encoder(depth), foreground);
    try (AeSipeNet net = new AeSipeNet(backend, config)) {
      backend.run(() -> NetworkGolden.fill(golden, depth, "", net.parameters()));
      TrainingBatch batch = NetworkGolden.batch(file, "", net.outputStride());
      NetworkGolden.Seen seen = new NetworkGolden.Seen(backend);
      Losses losses = net.step(batch, seen);
      checkForward(report, batch, foreground, seen);
      report.check("lossCLS", losses.part(Losses.CLASSIFICATION));
      report.check("lossGSC", losses.part(Losses.CONSISTENCY));
      report.check("loss", losses.total());
      checkGradients(report, file, backend, net.parameters());
    }
  }

  private static void checkForward(
      GoldenCase report, TrainingBatch batch, int foreground, NetworkGolden.Seen seen) {
    ClassRows rows = ClassRows.present(batch.labels(), foreground);
    int n = rows.images();
    int total = rows.total();
    report.check("x0", seen.planar(Stage.STEM));
    report.check("x1", seen.planar(Stage.X1));
    report.check("x2", seen.planar(Stage.X2));
    report.check("x3", seen.planar(Stage.X3));
    report.check("x4", seen.planar(Stage.X4));
    report.check("hie_fea", seen.planar(Stage.FEATURE));
    report.check("score", seen.floats(Stage.SCORE).getLast());
    report.check("valid_mask_lowres", NetworkGolden.validMask(batch, foreground));
    report.check("cam", seen.full(Stage.MAPS, 0, rows));
    int[] seeds = seen.ints(Stage.SEEDS).getLast();
    report.checkExact("seeds_index", seeds);
    report.checkExact("seeds", NetworkGolden.oneHot(seeds, n, total));
    report.check("probs", NetworkGolden.softmax(seen.full(Stage.IOU, 0, rows), n, total));
    int last = seen.floats(Stage.REACTIVATED).size() - 1;
    report.check("IS_cam_first", seen.full(Stage.REACTIVATED, 0, rows));
    report.check("IS_cam", seen.full(Stage.FINAL, 0, rows));
    report.check("IS_cam_loss", seen.full(Stage.LOSS, 0, rows));
    report.check("prototypes_final", seen.full(Stage.PROTOTYPES, last, rows));
    if (report.has("pamr")) {
      report.check("pamr_full", seen.full(Stage.REFINED_FULL, 0, rows));
      report.check("pamr", seen.full(Stage.REFINED, 0, rows));
      report.checkExact("pamr_argmax", seen.ints(Stage.ARGMAX).getFirst());
      report.check("IS_cam2_raw", seen.full(Stage.REACTIVATED, last, rows));
    }
  }

  private static void checkGradients(
      GoldenCase report, GoldenFile file, Backend backend, List<Parameter> parameters) {
    Set<String> expected =
        file.tensors().names().stream()
            .filter(name -> name.startsWith("grad/"))
            .map(name -> name.substring("grad/".length()))
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> reached =
        parameters.stream()
            .filter(Parameter::hasGradient)
            .map(Parameter::name)
            .collect(Collectors.toCollection(TreeSet::new));
    require(reached.equals(expected), "gradients of %s, expected %s", reached, expected);
    for (String list : List.of("no_grad_frozen", "no_grad_detached")) {
      JsonNode names = new ObjectMapper().readTree(file.text(list));
      names.forEach(
          name -> require(!reached.contains(name.asString()), "a gradient reached %s", name));
    }
    double squares = 0;
    for (Parameter parameter : parameters) {
      if (parameter.hasGradient()) {
        float[] gradient = backend.compute(() -> backend.floats(parameter.gradient()));
        report.checkGradient("grad/" + parameter.name(), gradient);
        for (float value : gradient) {
          squares += (double) value * value;
        }
      }
    }
    double norm = Math.sqrt(squares);
    report.checkRelative("grad_norm", GRADIENT_NORM, norm);
    report.check("grad_norm_exact", norm);
  }
}
