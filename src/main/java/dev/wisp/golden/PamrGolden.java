package dev.wisp.golden;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PamrOptions;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Pixel-adaptive mask refinement: affinities and refined maps. */
public final class PamrGolden implements GoldenSubject {
  @Override
  public String folder() {
    return "ae_sipe";
  }

  @Override
  public String files() {
    return "pamr(_.+)?";
  }

  @Override
  public List<String> cases(GoldenFile file) {
    return file.cases();
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    backend.run(() -> check(report, backend));
  }

  private static void check(GoldenCase report, Backend backend) {
    GoldenFile file = report.file();
    int[] image = file.dims(report.tensor("image"));
    int[] mask = file.dims(report.tensor("mask"));
    int n = image[0];
    int h = image[2];
    int w = image[3];
    PamrOptions options =
        new PamrOptions(
            file.ints(report.tensor("dilations")),
            file.ints(report.tensor("num_iter"))[0],
            PamrOptions.Kernel.ABS_STD,
            0.1f);
    ClassRows rows = ClassRows.all(n, mask[1] - 1);
    try (Scope scope = backend.scope()) {
      Tensor guide = scope.f32(n, h, w, image[1]);
      backend.upload(
          Layout.channelsLast(file.tensors().floats(report.tensor("image")), image), guide);
      Tensor small = scope.f32(rows.rows(), mask[2], mask[3], 1);
      backend.upload(file.tensors().floats(report.tensor("mask")), small);
      Tensor maps = scope.f32(rows.rows(), h, w);
      backend.resizeBilinear(small, maps.reshape(rows.rows(), h, w, 1), 0, true);
      Tensor affinity = scope.f32(n, options.neighbours(), h, w);
      Tensor std = report.has("std") ? scope.f32(n, image[1], h, w) : null;
      Tensor logit = report.has("logit") ? scope.f32(n, options.neighbours(), h, w) : null;
      backend.pamrAffinity(guide, options, affinity, std, logit);
      Tensor out = scope.f32(rows.rows(), h, w);
      backend.pamrSteps(affinity, maps, rows, options, out);
      report.check("out", backend.floats(out));
      checkIfStored(report, "affinity", backend, affinity);
      checkIfStored(report, "std", backend, std);
      checkIfStored(report, "logit", backend, logit);
    }
  }

  private static void checkIfStored(
      GoldenCase report, String name, Backend backend, @Nullable Tensor tensor) {
    if (tensor != null && report.has(name)) {
      report.check(name, backend.floats(tensor));
    }
  }
}
