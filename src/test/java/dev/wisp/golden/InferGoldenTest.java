package dev.wisp.golden;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Localization;
import dev.wisp.method.Observer.Stage;
import dev.wisp.method.ScaledImage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Localisation at one and several scales, and validation. */
@Tag("golden")
class InferGoldenTest {
  /** Where images lie that several files share. */
  private static final String IMAGES = "infer";

  /** Scales in the order in which the files count them. */
  private static final List<String> SCALES =
      List.of("image_u8", "bicubic_x0.5", "bicubic_x1.5", "bicubic_x2.0");

  @TestFactory
  List<DynamicTest> localisationGivesTheGoldenMaps() {
    return tests("keys", Run::localize);
  }

  @TestFactory
  List<DynamicTest> validationGivesTheGoldenPrediction() {
    return tests("prediction", Run::validate);
  }

  private interface Check {
    void run(Run run);
  }

  private static List<DynamicTest> tests(String required, Check check) {
    GoldenSupport golden = GoldenSupport.open("ae_sipe");
    List<DynamicTest> tests = new ArrayList<>();
    for (String stem : golden.stems("(sipe_)?infer")) {
      List<String> cases;
      try (GoldenFile file = golden.file(stem)) {
        cases = file.cases(required);
      }
      NetworkBackends.all()
          .forEach(
              (name, backend) ->
                  cases.forEach(
                      c ->
                          tests.add(
                              DynamicTest.dynamicTest(
                                  stem + "/" + c + " on " + name,
                                  () -> {
                                    try (GoldenFile file = golden.file(stem);
                                        Backend engine = backend.get()) {
                                      check.run(new Run(golden, file, c, name, engine));
                                    }
                                  }))));
    }
    assertThat(tests).as("files of localisation").isNotEmpty();
    return tests;
  }

  /** One case on one backend. */
  private static final class Run {
    final GoldenSupport golden;
    final GoldenFile file;
    final String name;
    final GoldenCase report;
    final Backend backend;
    final int depth;
    final int[] present;
    final int foreground;

    Run(GoldenSupport golden, GoldenFile file, String name, String label, Backend backend) {
      this.golden = golden;
      this.file = file;
      this.name = name;
      this.backend = backend;
      report = file.start(name, label);
      depth = Integer.parseInt(name.replaceAll("\\D*", ""));
      present = NetworkGolden.labels(file, name + "/label")[0];
      foreground = file.dims(name + "/label")[0];
    }

    private AeSipeNet network() {
      String kind = file.stem().startsWith("sipe") ? "sipe" : "ae";
      AeSipeConfig config = NetworkGolden.config(kind, NetworkGolden.encoder(depth), foreground);
      AeSipeNet net = new AeSipeNet(backend, config);
      String special = name.replaceAll("\\d", "") + "/";
      backend.run(() -> NetworkGolden.fill(golden, depth, special, net.parameters()));
      return net;
    }

    void localize() {
      try (AeSipeNet net = network()) {
        NetworkGolden.Seen seen = new NetworkGolden.Seen(backend);
        Localization maps = net.localize(scales(), present, seen);
        report.checkExact("keys", maps.classes());
        int scales = 0;
        while (file.has(report.tensor(scales + "/seeds_index"))) {
          checkScale(scales++, seen);
        }
        assertThat(seen.ints(Stage.SEEDS)).hasSize(scales);
        checkFinal(maps);
      }
      report.finish();
    }

    private void checkScale(int q, NetworkGolden.Seen seen) {
      ClassRows rows = ClassRows.present(new int[][] {present}, foreground);
      ClassRows all = ClassRows.all(1, foreground);
      int each = seen.floats(Stage.REACTIVATED).size() / seen.floats(Stage.FINAL).size();
      report.check(q + "/norm_cam", seen.full(Stage.MAPS, q, all));
      report.checkExact(q + "/seeds_index", seen.ints(Stage.SEEDS).get(q));
      report.check(q + "/IS_cam_first", seen.full(Stage.REACTIVATED, q * each, rows));
      report.check(q + "/IS_cam", seen.full(Stage.FINAL, q, rows));
      float[] feature = seen.floats(Stage.FEATURE).get(q);
      int channels = seen.sizes(Stage.FEATURE)[3];
      report.check(
          q + "/hie_fea", NetworkGolden.planar(feature, 1, feature.length / channels, channels));
      if (report.has(q + "/pamr_argmax")) {
        report.checkExact(q + "/pamr_argmax", seen.ints(Stage.ARGMAX).get(q));
        report.check(q + "/prototypes", seen.full(Stage.PROTOTYPES, q * each + each - 1, rows));
      }
    }

    private void checkFinal(Localization maps) {
      int[] grid = file.dims(report.tensor("final_grid"));
      int step = (maps.height() + grid[1] - 1) / grid[1];
      float[] thinned = new float[grid[0] * grid[1] * grid[2]];
      for (int i = 0; i < thinned.length; i++) {
        int x = i % grid[2] * step;
        int y = i / grid[2] % grid[1] * step;
        int k = i / grid[2] / grid[1];
        thinned[i] = maps.maps()[(k * maps.height() + y) * maps.width() + x];
      }
      report.check("final_grid", thinned);
      report.checkStats("final", report.toleranceOf("final_grid"), maps.maps());
      String prefix = report.tensor("argmax_bg");
      List<String> factors =
          file.tensors().names().stream()
              .filter(tensor -> tensor.startsWith(prefix))
              .map(tensor -> tensor.substring(prefix.length()))
              .toList();
      assertThat(factors).isNotEmpty();
      for (String factor : factors) {
        report.checkExact("argmax_bg" + factor, maps.labels(Float.parseFloat(factor)));
      }
    }

    void validate() {
      try (AeSipeNet net = network()) {
        NetworkGolden.Seen seen = new NetworkGolden.Seen(backend);
        int[] prediction = net.validate(image(file, name + "/image_u8"), present, seen);
        ClassRows rows = ClassRows.present(new int[][] {present}, foreground);
        int[] seeds = seen.ints(Stage.SEEDS).getFirst();
        report.check("cam", seen.full(Stage.MAPS, 0, rows));
        report.checkExact("seeds_index", seeds);
        report.checkExact("seeds", NetworkGolden.oneHot(seeds, 1, foreground + 1));
        report.check("IS_cam", seen.full(Stage.FINAL, 0, rows));
        report.checkExact("prediction", prediction);
      }
      report.finish();
    }

    /** The case's image at each of its scales. */
    private List<ScaledImage> scales() {
      if (file.has(report.tensor("1/seeds_index"))) {
        try (GoldenFile images = golden.file("pil_resize")) {
          return SCALES.stream().map(scale -> image(images, IMAGES + "/" + scale)).toList();
        }
      }
      try (GoldenFile images = golden.file(IMAGES)) {
        int[] map = file.dims(report.tensor("final"));
        String own = name + "/image_u8";
        if (images.has(own)) {
          return List.of(image(images, own));
        }
        // A case without an image of its own works on the photograph of its depth and size.
        String shared =
            images.tensors().names().stream()
                .filter(tensor -> tensor.endsWith(depth + "/image_u8"))
                .filter(
                    tensor -> {
                      int[] size = images.dims(tensor);
                      return size[0] == map[1] && size[1] == map[2];
                    })
                .findFirst()
                .orElseThrow(() -> new AssertionError("no image for " + name));
        return List.of(image(images, shared));
      }
    }

    private static ScaledImage image(GoldenFile file, String tensor) {
      int[] size = file.dims(tensor);
      return new ScaledImage(
          NetworkGolden.normalize(file.tensors().bytes(tensor)), size[0], size[1]);
    }
  }
}
