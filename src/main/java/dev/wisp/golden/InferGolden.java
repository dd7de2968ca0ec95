package dev.wisp.golden;

import static dev.wisp.golden.GoldenMismatch.require;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Localization;
import dev.wisp.method.Observer.Stage;
import dev.wisp.method.ScaledImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Localisation at one and several scales, and validation. */
public final class InferGolden implements GoldenSubject {
  /** Where images lie that several files share. */
  private static final String IMAGES = "infer";

  /** Scales in the order in which the files count them. */
  private static final List<String> SCALES =
      List.of("image_u8", "bicubic_x0.5", "bicubic_x1.5", "bicubic_x2.0");

  @Override
  public String folder() {
    return "ae_sipe";
  }

  @Override
  public String files() {
    return "(sipe_)?infer(_.+)?";
  }

  @Override
  public List<String> cases(GoldenFile file) {
    return results(file);
  }

  @Override
  public boolean wholeNetwork() {
    return true;
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    Run run = new Run(folder, report, backend);
    if (report.has("keys")) {
      run.localize();
    } else {
      run.validate();
    }
  }

  /** Cases with a result; others only hold an image. */
  private static List<String> results(GoldenFile file) {
    List<String> results =
        file.cases().stream()
            .filter(name -> file.has(name + "/keys") || file.has(name + "/prediction"))
            .toList();
    require(!results.isEmpty(), "no results in %s", file.tensors().path());
    return results;
  }

  /** One case on one backend. */
  private static final class Run {
    final GoldenFolder golden;
    final GoldenFile file;
    final String name;
    final GoldenCase report;
    final Backend backend;
    final int depth;
    final int[] present;
    final int foreground;

    Run(GoldenFolder golden, GoldenCase report, Backend backend) {
      this.golden = golden;
      this.file = report.file();
      this.name = report.name();
      this.report = report;
      this.backend = backend;
      depth = depth(file, name);
      present = NetworkGolden.labels(file, name + "/label")[0];
      foreground = file.dims(name + "/label")[0];
    }

    /** What the case's note states, else what its name ends in. */
    private static int depth(GoldenFile file, String name) {
      Matcher stated = Pattern.compile("depth (\\d+)").matcher(file.note(name));
      Matcher ending = Pattern.compile("(50|101)$").matcher(name);
      if (stated.find()) {
        return Integer.parseInt(stated.group(1));
      }
      require(ending.find(), "'%s' does not end in a depth", name);
      return Integer.parseInt(ending.group(1));
    }

    private AeSipeNet network() {
      String kind = file.stem().startsWith("sipe") ? "sipe" : "ae";
      AeSipeConfig config = NetworkGolden.config(kind, NetworkGolden.encoder(depth), foreground);
      AeSipeNet net = new AeSipeNet(backend, config);
      backend.run(() -> NetworkGolden.fill(golden, depth, name, net.parameters()));
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
        require(seen.ints(Stage.SEEDS).size() == scales, "other scales than the file's");
        checkFinal(maps);
      }
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
      report.checkStats("final", "final_grid", maps.maps());
      String prefix = report.tensor("argmax_bg");
      List<String> factors =
          file.tensors().names().stream()
              .filter(tensor -> tensor.startsWith(prefix))
              .map(tensor -> tensor.substring(prefix.length()))
              .toList();
      require(!factors.isEmpty(), "no labels of %s", name);
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
    }

    /** The case's image at each of its scales. */
    private List<ScaledImage> scales() {
      return report.has("1/seeds_index") ? severalScales() : List.of(oneScale());
    }

    /** Sizes that the case's maps of each scale have, one after the other. */
    private List<ScaledImage> severalScales() {
      try (GoldenFile images = golden.file("pil_resize")) {
        List<String> stored =
            SCALES.stream().map(scale -> IMAGES + "/" + scale).filter(images::has).toList();
        List<ScaledImage> scales = new ArrayList<>();
        for (String tensor : stored) {
          String map = report.tensor(scales.size() + "/seeds_index");
          if (file.has(map) && sameGrid(images.dims(tensor), file.dims(map))) {
            scales.add(image(images, tensor));
          }
        }
        return scales;
      }
    }

    /** Whether an image's features have a size: half, rounded up, four times. */
    private static boolean sameGrid(int[] image, int[] grid) {
      return (image[0] + 15) / 16 == grid[0] && (image[1] + 15) / 16 == grid[1];
    }

    private ScaledImage oneScale() {
      String own = name + "/image_u8";
      if (file.has(own)) {
        return image(file, own);
      }
      try (GoldenFile images = golden.file(IMAGES)) {
        return image(images, images.has(own) ? own : sharedImage(images) + "/image_u8");
      }
    }

    /**
     * A case without an image of its own works on another's: of its size and, as they do not depend
     * on the labels, with the same maps of all classes.
     */
    private String sharedImage(GoldenFile images) {
      int[] map = file.dims(report.tensor("final"));
      List<String> owners =
          images.cases().stream()
              .filter(owner -> images.has(owner + "/image_u8"))
              .filter(owner -> !images.has(owner + "/prediction"))
              .filter(
                  owner -> {
                    int[] size = images.dims(owner + "/image_u8");
                    return size[0] == map[1] && size[1] == map[2];
                  })
              .toList();
      require(!owners.isEmpty(), "no image for %s", name);
      String map0 = "/0/norm_cam";
      double[] expected =
          images.has(name + map0) ? images.values(name + map0) : file.values(name + map0);
      return owners.stream()
          .filter(owner -> images.has(owner + map0))
          .filter(owner -> Arrays.equals(images.values(owner + map0), expected))
          .findFirst()
          .orElse(owners.getFirst());
    }

    private static ScaledImage image(GoldenFile file, String tensor) {
      int[] size = file.dims(tensor);
      return new ScaledImage(
          NetworkGolden.normalize(file.tensors().bytes(tensor)), size[0], size[1]);
    }
  }
}
