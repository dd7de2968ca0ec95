package dev.wisp.golden;

import static dev.wisp.golden.GoldenMismatch.require;

import dev.wisp.autograd.Tape;
import dev.wisp.autograd.Var;
import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.common.HashFill;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeConfig.SeedFeature;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Losses;
import dev.wisp.method.MapSequence;
import dev.wisp.method.Observer.Stage;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** The layers over the encoder on generated features: every intermediate, every sequence. */
public final class HeadGolden implements GoldenSubject {
  /** The README asks this share of the largest value of the head's gradients. */
  private static final double GRADIENT = 3e-5;

  /** Sequences as the file counts them. */
  private static final List<String> SEQUENCES =
      List.of(
          "pr,is",
          "pr,is,pr,is",
          "pr,is,pr,is,pamr,pr,is",
          "pr,is,pamr,pr,is,pr,is",
          "pr,is,pamr,pr,is");

  @Override
  public String folder() {
    return "ae_sipe";
  }

  @Override
  public String files() {
    return "head(_.+)?";
  }

  @Override
  public List<String> cases(GoldenFile file) {
    return file.cases();
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    new Run(folder, report, backend).check();
  }

  /** One case on one backend. */
  private static final class Run {
    final GoldenFolder golden;
    final GoldenFile file;
    final GoldenCase report;
    final Backend backend;
    final int foreground;
    final TrainingBatch batch;
    final ClassRows rows;
    final List<float[]> features = new ArrayList<>();
    final List<int[]> shapes = new ArrayList<>();

    Run(GoldenFolder golden, GoldenCase report, Backend backend) {
      this.golden = golden;
      this.file = report.file();
      this.backend = backend;
      this.report = report;
      foreground = file.dims(report.tensor("label"))[1];
      batch = batch();
      rows = ClassRows.present(batch.labels(), foreground);
      for (int l = 1; l <= 4; l++) {
        shapes.add(file.dims(report.tensor("x" + l)));
        features.add(generated(l));
      }
    }

    /** The stored mask's background row says which positions lie in the image. */
    private TrainingBatch batch() {
      int[] size = file.dims(report.tensor("image_u8"));
      int[] mask = file.dims(report.tensor("valid_mask_lowres"));
      float[] stored = file.tensors().floats(report.tensor("valid_mask_lowres"));
      int positions = mask[2] * mask[3];
      float[] valid = new float[mask[0] * positions];
      for (int n = 0; n < mask[0]; n++) {
        System.arraycopy(stored, n * mask[1] * positions, valid, n * positions, positions);
      }
      return new TrainingBatch(
          NetworkGolden.normalize(file.tensors().bytes(report.tensor("image_u8"))),
          size[0],
          size[1],
          size[2],
          NetworkGolden.labels(file, report.tensor("label")),
          valid);
    }

    /** The README's generated inputs, as {@code [n, c, h, w]}. */
    private float[] generated(int layer) {
      String tensor = report.tensor("x" + layer);
      String key = golden.prefix() + tensor;
      int[] s = file.dims(tensor);
      int[] region = file.ints(report.tensor("region"));
      int[] grid = file.dims(report.tensor("region"));
      float[] out = new float[s[0] * s[1] * s[2] * s[3]];
      for (int i = 0; i < out.length; i++) {
        int x = i % s[3];
        int y = i / s[3] % s[2];
        int c = i / s[3] / s[2] % s[1];
        int b = i / s[3] / s[2] / s[1];
        int r = region[(b * grid[1] + y * grid[1] / s[2]) * grid[2] + x * grid[2] / s[3]];
        double u = HashFill.uniform(key + "/proto", (long) r * s[1] + c);
        double noise = HashFill.uniform(key + "/noise", i);
        out[i] = (float) (0.75 * Math.max(0, 4 * u - 3) + 0.25 * noise);
      }
      float[] first = file.tensors().floats(tensor + "@first16");
      for (int i = 0; i < first.length; i++) {
        require(out[i] == first[i], "generated %s[%d] is %s, not %s", tensor, i, out[i], first[i]);
      }
      return out;
    }

    /** An encoder of these features' channels that is never run. */
    private AeSipeConfig config(SeedFeature feature, String sequence) {
      List<ResNetConfig.Layer> layers = new ArrayList<>();
      for (int l = 0; l < 4; l++) {
        int stride = l == 0 ? 1 : Math.ceilDiv(shapes.get(l - 1)[2], shapes.get(l)[2]);
        layers.add(new ResNetConfig.Layer(1, 1, shapes.get(l)[1], stride));
      }
      List<Integer> sides = new ArrayList<>();
      for (int l = 1; l <= 4; l++) {
        sides.add(file.dims(report.tensor("grad/side" + l + ".weight"))[0]);
      }
      return AeSipeConfig.aeSipe(new ResNetConfig(1, 1, 1, false, layers), foreground)
          .withSideChannels(sides)
          .withSeedFeature(feature)
          .withSequence(MapSequence.parse(sequence));
    }

    /** One pass of the head; gradients are compared where it records. */
    private Losses pass(
        SeedFeature feature, String sequence, boolean gradient, NetworkGolden.Seen seen) {
      return backend.compute(
          () -> {
            try (AeSipeNet net = new AeSipeNet(backend, config(feature, sequence));
                Tape tape = gradient ? Tape.recording(backend) : Tape.inference(backend)) {
              for (Parameter parameter : net.parameters()) {
                parameter.set(
                    HashFill.fill(golden.prefix(), parameter.name(), parameter.shape().toArray()));
              }
              List<Var> x = new ArrayList<>();
              for (int l = 0; l < 4; l++) {
                int[] s = shapes.get(l);
                Tensor tensor = tape.scope().f32(s[0], s[2], s[3], s[1]);
                backend.upload(Layout.channelsLast(features.get(l), s), tensor);
                x.add(l < 3 ? tape.constant(tensor) : tape.input(tensor));
              }
              Tensor images = tape.scope().f32(batch.count(), batch.height(), batch.width(), 3);
              backend.upload(batch.images(), images);
              Losses losses =
                  net.headStep(tape, List.copyOf(x).iterator()::next, images, batch, seen);
              if (gradient) {
                checkGradients(net, x.get(3));
              }
              return losses;
            }
          });
    }

    private void checkGradients(AeSipeNet net, Var x4) {
      for (Parameter parameter : net.parameters()) {
        String tensor = "grad/" + parameter.name();
        require(parameter.hasGradient() == report.has(tensor), "%s: on one side only", tensor);
        if (parameter.hasGradient()) {
          report.checkShare(tensor, GRADIENT, backend.floats(parameter.gradient()));
        }
      }
      int[] s = shapes.get(3);
      float[] gradient = backend.floats(x4.takeGradient());
      report.checkShare(
          "grad/x4", GRADIENT, NetworkGolden.planar(gradient, s[0], s[2] * s[3], s[1]));
    }

    void check() {
      NetworkGolden.Seen seen = new NetworkGolden.Seen(backend);
      Losses losses = pass(SeedFeature.HIERARCHICAL, MapSequence.AE.toString(), true, seen);
      checkForward(seen);
      report.check("lossCLS", losses.part(Losses.CLASSIFICATION));
      report.check("lossGSC", losses.part(Losses.CONSISTENCY));
      checkSequences();
    }

    private void checkForward(NetworkGolden.Seen seen) {
      report.check("cam_raw", seen.planar(Stage.CAM));
      report.check("score", seen.floats(Stage.SCORE).getLast());
      report.check("hie_fea", seen.planar(Stage.FEATURE));
      report.check("norm_cam", seen.full(Stage.MAPS, 0, rows));
      report.check("valid_mask_lowres", NetworkGolden.validMask(batch, foreground));
      checkSeeds(seen, "");
      report.check("prototypes", seen.full(Stage.PROTOTYPES, 0, rows));
      report.check("IS_cam", seen.full(Stage.REACTIVATED, 0, rows));
      report.check("pamr_full", seen.full(Stage.REFINED_FULL, 0, rows));
      report.check("pamr", seen.full(Stage.REFINED, 0, rows));
      report.checkExact("pamr_argmax", seen.ints(Stage.ARGMAX).getFirst());
      report.check("prototypes2", seen.full(Stage.PROTOTYPES, 1, rows));
      report.check("IS_cam2_raw", seen.full(Stage.REACTIVATED, 1, rows));
      report.check("IS_cam2", seen.full(Stage.FINAL, 0, rows));
      require(seen.floats(Stage.PROTOTYPES).size() == 2, "prototypes are not made twice");
    }

    private void checkSeeds(NetworkGolden.Seen seen, String suffix) {
      int n = rows.images();
      int total = rows.total();
      int[] seeds = seen.ints(Stage.SEEDS).getFirst();
      report.checkExact("seeds" + suffix + "_index", seeds);
      report.checkExact("seeds" + suffix, NetworkGolden.oneHot(seeds, n, total));
      report.check(
          "probs" + suffix, NetworkGolden.softmax(seen.full(Stage.IOU, 0, rows), n, total));
    }

    private void checkSequences() {
      for (SeedFeature feature : SeedFeature.values()) {
        String prefix = feature == SeedFeature.SEMANTIC ? "seq/x4/" : "seq/hie/";
        for (int i = 0; report.has(prefix + i + "/map"); i++) {
          require(i < SEQUENCES.size(), "sequence %d is not one that the README explains", i);
          NetworkGolden.Seen seen = new NetworkGolden.Seen(backend);
          pass(feature, SEQUENCES.get(i), false, seen);
          if (feature == SeedFeature.SEMANTIC && i == 0) {
            checkSeeds(seen, "_x4");
          }
          int last = seen.floats(Stage.REACTIVATED).size() - 1;
          String sequence = prefix + i + "/";
          report.check(sequence + "map", seen.full(Stage.REACTIVATED, last, rows));
          report.check(sequence + "map_norm", seen.full(Stage.FINAL, 0, rows));
          for (int pr = 0; pr < seen.ints(Stage.ARGMAX).size(); pr++) {
            report.checkExact(
                sequence + "argmax_for_pr" + (pr + 2), seen.ints(Stage.ARGMAX).get(pr));
          }
        }
      }
    }
  }
}
