package dev.wisp.backend.cuda;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.plan.PlanningBackend;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.DeepLabConfig;
import dev.wisp.method.DeepLabNet;
import dev.wisp.method.IrnConfig;
import dev.wisp.method.IrnNet;
import dev.wisp.method.ScaledImage;
import dev.wisp.method.TrainableNetwork;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Every convolution of the published networks, met in dry runs of them. */
final class NetworkLayers {
  private static final int VOC = 20;
  private static final int PAD = 32;

  /**
   * A convolution and the shape of the tensor that the engine allocates for its output.
   *
   * @param out {@code n, h, w, channels}
   */
  record Layer(ConvolutionSizes sizes, List<Long> out) {}

  private NetworkLayers() {}

  /** Distinct ones at the sizes of training and at the odd ones of a photograph. */
  static Set<Layer> all() {
    Set<Layer> layers = new LinkedHashSet<>();
    ResNetConfig encoder = ResNetConfig.resnet101();
    Function<Backend, AeSipeNet> aeSipe =
        backend -> new AeSipeNet(backend, AeSipeConfig.aeSipe(encoder, VOC));
    run(layers, aeSipe, network -> network.step(crops(network.outputStride())));
    for (double scale : new double[] {0.5, 1, 1.5, 2}) {
      int height = (int) Math.rint(375 * scale);
      int width = (int) Math.rint(500 * scale);
      ScaledImage image = new ScaledImage(new float[3 * height * width], height, width);
      run(layers, aeSipe, network -> network.localize(List.of(image), new int[] {1}));
    }
    for (int[] size : new int[][] {{2, 513, 513}, {2, 375, 500}}) {
      for (int stride : new int[] {16, 8}) {
        run(
            layers,
            backend -> new DeepLabNet(backend, DeepLabConfig.standard(encoder, VOC, stride)),
            network -> network.step(masks(size)));
      }
    }
    Function<Backend, IrnNet> irn = backend -> new IrnNet(backend, IrnConfig.published(VOC));
    run(layers, irn, network -> network.outputs(masks(new int[] {2, 512, 512})));
    ScaledImage photograph = new ScaledImage(new float[3 * 375 * 500], 375, 500);
    run(layers, irn, network -> network.boundary(photograph, PAD));
    return layers;
  }

  /** Four crops of 512 pixels. */
  private static TrainingBatch crops(int stride) {
    int grid = 512 / stride;
    return new TrainingBatch(
        new float[4 * 512 * 512 * 3], 4, 512, 512, new int[4][0], new float[4 * grid * grid]);
  }

  private static TrainingBatch masks(int[] size) {
    int pixels = size[0] * size[1] * size[2];
    return TrainingBatch.ofMasks(
        new float[3 * pixels], size[0], size[1], size[2], new byte[pixels], 0, 0);
  }

  private static <N extends TrainableNetwork> void run(
      Set<Layer> layers, Function<Backend, N> make, java.util.function.Consumer<N> pass) {
    Backend plan = PlanningBackend.open();
    Backend seen =
        (Backend)
            Proxy.newProxyInstance(
                NetworkLayers.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("convForward")) {
                    layers.add(layer(arguments));
                  }
                  return call(plan, method, arguments);
                });
    try (N network = make.apply(seen)) {
      pass.accept(network);
    }
  }

  private static Layer layer(Object[] arguments) {
    ConvWeights weights = (ConvWeights) arguments[0];
    Tensor x = (Tensor) arguments[1];
    Tensor y = (Tensor) arguments[5];
    List<Long> out = Arrays.stream(y.shape().toArray()).boxed().toList();
    return new Layer(ConvolutionSizes.of(weights.spec(), x.shape()), out);
  }

  private static @Nullable Object call(Backend plan, Method method, Object @Nullable [] arguments)
      throws Throwable {
    try {
      return method.invoke(plan, arguments);
    } catch (InvocationTargetException failed) {
      throw failed.getCause();
    }
  }
}
