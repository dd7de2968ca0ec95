package dev.wisp.backend.cuda;

import org.jspecify.annotations.Nullable;

/**
 * What a convolution runs by.
 *
 * @param algorithm cuDNN's number of it, of the pass's own kind
 * @param math cuDNN's math type, which decides about tensor cores
 */
record CudnnChoice(CudnnLayout layout, int algorithm, int math) {
  /** The plain kernels. */
  static final CudnnChoice PLAIN = new CudnnChoice(CudnnLayout.PLAIN, 0, 0);

  /** As {@link #parse} reads it. */
  String text() {
    return "%s %d %d".formatted(CudnnOptions.word(layout), algorithm, math);
  }

  /** Reads {@link #text}; null if it is none. */
  static @Nullable CudnnChoice parse(String text) {
    String[] parts = text.split(" ", -1);
    if (parts.length == 3) {
      for (CudnnLayout layout : CudnnLayout.values()) {
        if (CudnnOptions.word(layout).equals(parts[0])
            && parts[1].matches("\\d{1,2}")
            && parts[2].matches("\\d{1,2}")) {
          return new CudnnChoice(layout, Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
        }
      }
    }
    return null;
  }
}
