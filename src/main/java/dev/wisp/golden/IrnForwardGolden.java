package dev.wisp.golden;

import dev.wisp.backend.Backend;
import dev.wisp.common.HashFill;
import dev.wisp.method.IrnConfig;
import dev.wisp.method.IrnNet;
import dev.wisp.method.ScaledImage;
import dev.wisp.nn.Parameter;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** IRN's boundaries and displacements of an image, and what its branches pass on. */
public final class IrnForwardGolden implements GoldenSubject {
  /** {@code 97x130_pad256.edge}. */
  private static final Pattern CASE = Pattern.compile("(\\d+x?\\d*_pad(\\d+))\\.edge");

  /** Which channels of a concatenation each layer of the release wrote. */
  private record Slice(String of, String layer, int from, int to) {}

  private static final List<Slice> SLICES =
      List.of(
          new Slice("edges", "fc_edge1", 0, 32),
          new Slice("edges", "fc_edge2", 32, 64),
          new Slice("edges", "fc_edge3", 64, 96),
          new Slice("edges", "fc_edge4", 96, 128),
          new Slice("edges", "fc_edge5", 128, 160),
          new Slice("displacements", "fc_dp1", 0, 64),
          new Slice("displacements", "fc_dp2", 64, 192),
          new Slice("displacements", "fc_dp6", 192, 448),
          new Slice("deep", "fc_dp3", 0, 256),
          new Slice("deep", "fc_dp4", 256, 512),
          new Slice("deep", "fc_dp5", 512, 768));

  @Override
  public String folder() {
    return "irn_crf_deeplab";
  }

  @Override
  public String files() {
    return "irn_forward";
  }

  @Override
  public boolean wholeNetwork() {
    return true;
  }

  /** Hashfill weights by the names that the folder's README states. */
  static void fill(Backend backend, IrnNet net) {
    backend.run(
        () -> {
          for (Parameter parameter : net.parameters()) {
            String name = parameter.name();
            String prefix = name.startsWith("resnet.") ? "" : "irn/";
            parameter.set(HashFill.fill(prefix, name, parameter.shape().toArray()));
          }
        });
  }

  @Override
  public void check(GoldenFolder folder, GoldenCase report, Backend backend) {
    try (IrnNet net = new IrnNet(backend, IrnConfig.published(20))) {
      fill(backend, net);
      Map<String, Integer> cases = new TreeMap<>();
      for (String name : report.file().tensors().names()) {
        Matcher matcher = CASE.matcher(name);
        if (matcher.matches()) {
          cases.put(matcher.group(1), Integer.parseInt(matcher.group(2)));
        }
      }
      cases.forEach((name, pad) -> check(report, backend, net, name + ".", pad));
    }
  }

  private static void check(GoldenCase report, Backend backend, IrnNet net, String name, int pad) {
    GoldenFile file = report.file();
    int[] s = file.dims(name + "image");
    float[] pixels = NetworkGolden.normalize(file.tensors().bytes(name + "image"));
    report.check(name + "input", NetworkGolden.planar(pixels, 1, s[0] * s[1], 3));
    ScaledImage image = new ScaledImage(pixels, s[0], s[1]);
    Seen both = new Seen(backend);
    IrnNet.Field boundary = net.boundary(image, pad, both);
    report.check(name + "edge", boundary.values());
    report.checkLike(name + "edge64", name + "edge", boundary.values());
    // Displacements of the mirror image are no output; its branch is seen by mirroring the input.
    Seen branches = new Seen(backend);
    float[] vectors = planar(net.displacement(image, pad, branches));
    report.check(name + "dp", vectors);
    report.checkLike(name + "dp64", name + "dp", vectors);
    net.displacement(mirrored(pixels, s[0], s[1]), pad, branches);
    for (int n = 1; n <= 5; n++) {
      report.check(name + "x" + n, both.planar("x" + n, 0, -1));
      report.check(name + "x" + n, branches.planar("x" + n, 0, -1));
    }
    for (Slice slice : SLICES) {
      report.check(name + slice.layer(), branches.planar(slice.of(), slice.from(), slice.to()));
    }
  }

  private static float[] planar(IrnNet.Field field) {
    return NetworkGolden.planar(
        field.values(), 1, field.height() * field.width(), field.channels());
  }

  private static ScaledImage mirrored(float[] pixels, int height, int width) {
    float[] mirrored = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      int x = i / 3 % width;
      mirrored[i] = pixels[i + 3 * (width - 1 - 2 * x)];
    }
    return new ScaledImage(mirrored, height, width);
  }

  /** What passes showed, one image after the other. */
  private static final class Seen implements IrnNet.Observer {
    private final Backend backend;
    private final Map<String, float[][]> values = new LinkedHashMap<>();
    private final Map<String, Integer> channels = new LinkedHashMap<>();

    Seen(Backend backend) {
      this.backend = backend;
    }

    @Override
    public void see(String name, Tensor value) {
      float[][] before = values.getOrDefault(name, new float[0][]);
      float[][] all = Arrays.copyOf(before, before.length + 1);
      all[before.length] = backend.floats(value);
      values.put(name, all);
      channels.put(name, value.shape().dim(3));
    }

    /** Channels of both images as the files lay them out, {@code [2, c, h, w]}. */
    float[] planar(String name, int from, int to) {
      float[][] images = Objects.requireNonNull(values.get(name));
      int c = Objects.requireNonNull(channels.get(name));
      int end = to < 0 ? c : to;
      int positions = images[0].length / c;
      float[] out = new float[images.length * (end - from) * positions];
      int at = 0;
      for (float[] image : images) {
        for (int k = from; k < end; k++) {
          for (int p = 0; p < positions; p++) {
            out[at++] = image[p * c + k];
          }
        }
      }
      return out;
    }
  }
}
