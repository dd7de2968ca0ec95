package dev.wisp.benchmarks;

import dev.wisp.common.HashFill;
import java.util.ArrayList;
import java.util.List;

/**
 * The network workload as data: bottleneck ResNet-101 v1.5 with strides 1, 2, 2, 1 and
 * torchvision's tensor names behind {@code resnet.}, a 1x1 classifier, and its seeded input.
 */
public final class Network {
  public static final int BATCH = 4;
  public static final int SIZE = 256;
  public static final int CLASSES = 20;

  private static final int[] BLOCKS = {3, 4, 23, 3};
  private static final int[] STRIDES = {1, 2, 2, 1};

  private Network() {}

  /** Number of blocks of a layer, 1 to 4. */
  public static int blocks(int layer) {
    return BLOCKS[layer - 1];
  }

  /** Stride of a layer's first block. */
  public static int stride(int layer) {
    return STRIDES[layer - 1];
  }

  /**
   * One tensor of the state dict.
   *
   * @param trained whether its gradient is wanted: layer3, layer4 and the classifier, but no
   *     running statistics
   */
  public record Parameter(String name, long[] shape, boolean trained) {}

  /** Every tensor, in the order of the state dict. */
  public static List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>();
    convolution(all, "resnet.conv1", 64, 3, 7);
    norm(all, "resnet.bn1", 64);
    long in = 64;
    for (int layer = 1; layer <= 4; layer++) {
      long mid = 32L << layer;
      for (int block = 0; block < blocks(layer); block++) {
        String name = "resnet.layer" + layer + "." + block;
        convolution(all, name + ".conv1", mid, in, 1);
        norm(all, name + ".bn1", mid);
        convolution(all, name + ".conv2", mid, mid, 3);
        norm(all, name + ".bn2", mid);
        convolution(all, name + ".conv3", 4 * mid, mid, 1);
        norm(all, name + ".bn3", 4 * mid);
        if (block == 0) {
          convolution(all, name + ".downsample.0", 4 * mid, in, 1);
          norm(all, name + ".downsample.1", 4 * mid);
        }
        in = 4 * mid;
      }
    }
    convolution(all, "classifier", CLASSES, in, 1);
    return all;
  }

  /** Normalised images {@code [BATCH, 3, SIZE, SIZE]} in [-2, 2). */
  public static float[] images() {
    float[] values = HashFill.uniforms("benchmark/images", BATCH * 3 * SIZE * SIZE);
    for (int i = 0; i < values.length; i++) {
      values[i] = 4 * values[i] - 2;
    }
    return values;
  }

  /** Labels {@code [BATCH, CLASSES]} of 0 and 1. */
  public static float[] labels() {
    float[] values = HashFill.uniforms("benchmark/labels", BATCH * CLASSES);
    for (int i = 0; i < values.length; i++) {
      values[i] = values[i] < 0.15f ? 1 : 0;
    }
    return values;
  }

  private static void convolution(
      List<Parameter> all, String name, long out, long in, long kernel) {
    all.add(new Parameter(name + ".weight", new long[] {out, in, kernel, kernel}, trained(name)));
  }

  private static void norm(List<Parameter> all, String name, long channels) {
    long[] shape = {channels};
    all.add(new Parameter(name + ".weight", shape, trained(name)));
    all.add(new Parameter(name + ".bias", shape, trained(name)));
    all.add(new Parameter(name + ".running_mean", shape, false));
    all.add(new Parameter(name + ".running_var", shape, false));
  }

  private static boolean trained(String name) {
    return name.startsWith("resnet.layer3")
        || name.startsWith("resnet.layer4")
        || name.equals("classifier");
  }
}
