package dev.wisp.backend.cuda;

import static org.bytedeco.cuda.global.cudnn.cudnnGetConvolution2dForwardOutputDim;

import dev.wisp.backend.cuda.NetworkLayers.Layer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Asks cuDNN's descriptors for the outputs of all networks' convolutions. Needs neither a handle
 * nor a card. A program of its own, so that a test can run it on another cuDNN than its own
 * process's.
 */
@SuppressWarnings("deprecation") // cuDNN 9 deprecates all that is not its graphs.
final class CudnnShapes {
  /** Fails at once: without a handle there is nothing to ask what a status means. */
  private static final CudnnStatus STATUS =
      new CudnnStatus() {
        @Override
        public void check(int status, String function, String what) {
          if (status != 0) {
            throw new IllegalStateException("%s returned %d: %s".formatted(function, status, what));
          }
        }

        @Override
        public void release(int status) {
          check(status, "destroy", "a descriptor");
        }
      };

  private CudnnShapes() {}

  /**
   * Prints each disagreement, cuDNN's version and folder, and how much was compared; exit code 1 if
   * any.
   */
  public static void main(String[] arguments) throws IOException {
    CudnnLibrary.State state = CudnnLibrary.find();
    if (!state.usable()) {
      System.out.println(state.text());
      System.exit(2);
    }
    Set<Layer> layers = NetworkLayers.all();
    List<String> disagreements = disagreements(layers);
    disagreements.forEach(System.out::println);
    System.out.printf(
        "%s of %s: %d layers, %d disagreements%n",
        Cudnn.version(), folders(), layers.size(), disagreements.size());
    System.exit(disagreements.isEmpty() ? 0 : 1);
  }

  /** The folders that cuDNN's open libraries lie in: one. */
  private static String folders() throws IOException {
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(line -> line.contains("/libcudnn"))
          .map(line -> line.substring(line.indexOf('/'), line.lastIndexOf('/')))
          .distinct()
          .collect(Collectors.joining(", "));
    }
  }

  /** A line for each layer and layout whose output cuDNN puts at another size than the engine. */
  static List<String> disagreements(Set<Layer> layers) {
    List<String> lines = new ArrayList<>();
    for (Layer layer : layers) {
      for (CudnnLayout layout : List.of(CudnnLayout.NHWC, CudnnLayout.NCHW, CudnnLayout.HALF)) {
        List<Long> theirs = output(layer.sizes(), layout);
        if (!theirs.equals(layer.out())) {
          lines.add(
              "%s %s: cuDNN says %s, the engine %s"
                  .formatted(layout, layer.sizes(), theirs, layer.out()));
        }
      }
    }
    return lines;
  }

  private static List<Long> output(ConvolutionSizes sizes, CudnnLayout layout) {
    int[] n = new int[1];
    int[] channels = new int[1];
    int[] height = new int[1];
    int[] width = new int[1];
    try (CudnnShape shape = new CudnnShape(STATUS, sizes, layout)) {
      STATUS.check(
          cudnnGetConvolution2dForwardOutputDim(
              shape.convolution, shape.x, shape.weights, n, channels, height, width),
          "cudnnGetConvolution2dForwardOutputDim",
          shape.toString());
    }
    return List.of((long) n[0], (long) height[0], (long) width[0], (long) channels[0]);
  }
}
