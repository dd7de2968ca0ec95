package dev.wisp.backend.cuda;

import dev.wisp.backend.Precision;
import dev.wisp.common.WispException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How convolutions run on a card.
 *
 * @param use what computes them
 * @param layout the order of activations inside a convolution; outside it is always NHWC
 * @param algorithms those that may be chosen
 * @param precision of the products until {@link dev.wisp.backend.Backend#setPrecision} is called
 * @param workspaceBytes most device memory one convolution may use beside its tensors
 */
record CudnnOptions(
    Use use, Layouts layout, Algorithms algorithms, Precision precision, long workspaceBytes) {
  /** System property for {@code use}. */
  static final String USE = "wisp.cuda.convolutions";

  /** System property for {@code layout}. */
  static final String LAYOUT = "wisp.cuda.layout";

  /** System property for {@code algorithms}. */
  static final String ALGORITHMS = "wisp.cuda.algorithms";

  /** System property for {@code precision}. */
  static final String PRECISION = "wisp.cuda.precision";

  /** System property for {@code workspaceBytes}, in megabytes. */
  static final String WORKSPACE_MB = "wisp.cuda.workspaceMb";

  private static final int DEFAULT_WORKSPACE_MB = 512;

  /** What computes convolutions. */
  enum Use {
    /** cuDNN where there is one, the plain kernels else and where the naive ones are judged. */
    AUTO,
    /** cuDNN, an error where there is none. */
    CUDNN,
    /** The project's plain kernels. */
    PLAIN
  }

  /** The order of activations inside a convolution. */
  enum Layouts {
    /** The faster of both for each shape, measured once on the card. */
    AUTO,
    /** Channels last, as tensors are. */
    NHWC,
    /** Channels first: turned before and after. */
    NCHW
  }

  /** Which of cuDNN's algorithms may be chosen. All of them give equal bits every time. */
  enum Algorithms {
    /** Those that sum products: the rounding of a plain float32 sum. */
    SUMS,
    /** Winograd and Fourier transforms too, whose rounding is larger. */
    ALL
  }

  CudnnOptions {
    if (workspaceBytes < 0) {
      throw new IllegalArgumentException("a workspace of %d bytes".formatted(workspaceBytes));
    }
  }

  /** What the system properties say, else the defaults: auto, auto, sums, float32, 512 MB. */
  static CudnnOptions standard() {
    return new CudnnOptions(
        property(USE, Use.AUTO),
        property(LAYOUT, Layouts.AUTO),
        property(ALGORITHMS, Algorithms.SUMS),
        property(PRECISION, Precision.FLOAT32),
        (long) CudaOptions.megabytes(WORKSPACE_MB, DEFAULT_WORKSPACE_MB) << 20);
  }

  /** A system property that names one of an enum's values in small letters. */
  static <E extends Enum<E>> E property(String name, E standard) {
    String text = System.getProperty(name, word(standard));
    E[] values = standard.getDeclaringClass().getEnumConstants();
    for (E value : values) {
      if (word(value).equals(text)) {
        return value;
      }
    }
    throw new WispException(
        "-D%s is '%s'; choose one of %s"
            .formatted(
                name,
                text,
                Arrays.stream(values).map(CudnnOptions::word).collect(Collectors.joining(", "))));
  }

  /** How a value is written in properties and files. */
  static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  CudnnOptions withUse(Use value) {
    return new CudnnOptions(value, layout, algorithms, precision, workspaceBytes);
  }

  CudnnOptions withLayout(Layouts value) {
    return new CudnnOptions(use, value, algorithms, precision, workspaceBytes);
  }

  CudnnOptions withAlgorithms(Algorithms value) {
    return new CudnnOptions(use, layout, value, precision, workspaceBytes);
  }

  CudnnOptions withPrecision(Precision value) {
    return new CudnnOptions(use, layout, algorithms, value, workspaceBytes);
  }

  CudnnOptions withWorkspaceBytes(long bytes) {
    return new CudnnOptions(use, layout, algorithms, precision, bytes);
  }
}
