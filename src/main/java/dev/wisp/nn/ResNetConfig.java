package dev.wisp.nn;

import java.util.ArrayList;
import java.util.List;

/**
 * Shape of a bottleneck residual network: a stem and four layers of blocks (He et al., CVPR 2016,
 * with the stride on the 3x3 convolution).
 *
 * @param stemKernel odd size of the first convolution; its padding keeps the size
 * @param stemStride its stride
 * @param stemChannels its outputs
 * @param stemPool whether a 3x3 max pooling of stride 2 follows
 * @param layers four layers
 */
public record ResNetConfig(
    int stemKernel, int stemStride, int stemChannels, boolean stemPool, List<Layer> layers) {

  /**
   * One layer.
   *
   * @param blocks number of bottlenecks
   * @param mid channels inside a bottleneck
   * @param out channels of its output
   * @param stride of the first bottleneck
   * @param firstDilation of the first bottleneck's 3x3 convolution
   * @param dilation of the others'
   */
  public record Layer(int blocks, int mid, int out, int stride, int firstDilation, int dilation) {
    public Layer {
      if (blocks < 1 || mid < 1 || out < 1 || stride < 1 || firstDilation < 1 || dilation < 1) {
        throw new IllegalArgumentException(
            "layer of %d blocks, mid %d, out %d, stride %d, dilations %d and %d"
                .formatted(blocks, mid, out, stride, firstDilation, dilation));
      }
    }

    /** A layer without dilation. */
    public Layer(int blocks, int mid, int out, int stride) {
      this(blocks, mid, out, stride, 1, 1);
    }
  }

  public ResNetConfig {
    layers = List.copyOf(layers);
    if (layers.size() != 4 || stemKernel % 2 != 1 || stemStride < 1 || stemChannels < 1) {
      throw new IllegalArgumentException(
          "network of %d layers, stem %dx%d/%d with %d channels"
              .formatted(layers.size(), stemKernel, stemKernel, stemStride, stemChannels));
    }
  }

  /** Depth 50; layer4 keeps stride 16. */
  public static ResNetConfig resnet50() {
    return imagenet(6);
  }

  /** Depth 101; layer4 keeps stride 16. */
  public static ResNetConfig resnet101() {
    return imagenet(23);
  }

  private static ResNetConfig imagenet(int thirdLayer) {
    return new ResNetConfig(
        7,
        2,
        64,
        true,
        List.of(
            new Layer(3, 64, 256, 1),
            new Layer(4, 128, 512, 2),
            new Layer(thirdLayer, 256, 1024, 2),
            new Layer(3, 512, 2048, 1)));
  }

  /** A network for images of 128 pixels on two cores: output stride 8, 0.2 million parameters. */
  public static ResNetConfig demo() {
    return new ResNetConfig(
        3,
        2,
        32,
        false,
        List.of(
            new Layer(2, 16, 64, 1),
            new Layer(2, 24, 96, 2),
            new Layer(2, 32, 128, 2),
            new Layer(2, 64, 256, 1)));
  }

  /**
   * The classification network (strides 1, 2, 2, 2) with dilation in place of the strides that
   * would leave fewer positions: the first block of such a layer keeps the dilation before it, as
   * in torchvision.
   *
   * @param outputStride a power of two, not below that of layer1
   */
  public ResNetConfig dilated(int outputStride) {
    int stride = stemStride * (stemPool ? 2 : 1);
    if (outputStride < stride || Integer.bitCount(outputStride) != 1) {
      throw new IllegalArgumentException("output stride " + outputStride);
    }
    int dilation = 1;
    List<Layer> changed = new ArrayList<>();
    for (int l = 0; l < layers.size(); l++) {
      Layer layer = layers.get(l);
      int before = dilation;
      int step = l == 0 ? 1 : 2;
      if (stride * step > outputStride) {
        dilation *= step;
        step = 1;
      }
      stride *= step;
      changed.add(new Layer(layer.blocks, layer.mid, layer.out, step, before, dilation));
    }
    return new ResNetConfig(stemKernel, stemStride, stemChannels, stemPool, changed);
  }

  /** Image pixels per position of x3 and x4, along one axis. */
  public int outputStride() {
    int stride = stemStride * (stemPool ? 2 : 1);
    for (Layer layer : layers) {
      stride *= layer.stride();
    }
    return stride;
  }

  /** Channels of x1..x4. */
  public int channels(int layer) {
    return layers.get(layer - 1).out();
  }

  /** Size of x3 and x4 along one axis for an image of this size: each halving rounds up. */
  public int gridSize(int pixels) {
    int size = (pixels + stemStride - 1) / stemStride;
    if (stemPool) {
      size = (size + 1) / 2;
    }
    for (Layer layer : layers) {
      size = (size + layer.stride() - 1) / layer.stride();
    }
    return size;
  }
}
