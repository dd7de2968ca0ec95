package dev.wisp.benchmarks;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** What the engines computed, written by each and compared before anything is timed. */
final class Values {
  private Values() {}

  static Path file(Path folder, String engine, Task task, int batch) {
    return folder.resolve("%s-%s-%d.values".formatted(engine, task.id(), batch));
  }

  static void write(Path file, Map<String, float[]> values) throws IOException {
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
      out.writeInt(values.size());
      for (Map.Entry<String, float[]> entry : new TreeMap<>(values).entrySet()) {
        out.writeUTF(entry.getKey());
        out.writeInt(entry.getValue().length);
        ByteBuffer bytes = ByteBuffer.allocate(4 * entry.getValue().length);
        bytes.asFloatBuffer().put(entry.getValue());
        out.write(bytes.array());
      }
    }
  }

  static Map<String, float[]> read(Path file) throws IOException {
    Map<String, float[]> values = new LinkedHashMap<>();
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      for (int left = in.readInt(); left > 0; left--) {
        String name = in.readUTF();
        float[] array = new float[in.readInt()];
        ByteBuffer.wrap(in.readNBytes(4 * array.length)).asFloatBuffer().get(array);
        values.put(name, array);
      }
    }
    return values;
  }

  /**
   * Compares the peer's values with the engine's.
   *
   * @return one line a value, with its error and tolerance
   * @throws IllegalStateException if a value is missing, not finite or differs by more than its
   *     tolerance
   */
  static String compare(Task task, Map<String, float[]> peer, Map<String, float[]> own) {
    if (!peer.keySet().equals(own.keySet())) {
      throw new IllegalStateException(
          "%s: libtorch computed %s, wisp %s".formatted(task.id(), peer.keySet(), own.keySet()));
    }
    StringBuilder lines = new StringBuilder();
    boolean equal = true;
    for (String name : peer.keySet()) {
      float[] a = peer.get(name);
      float[] b = own.get(name);
      boolean decisions = name.equals("seeds");
      double error = decisions ? differing(a, b) : worst(a, b);
      double tolerance = tolerance(name);
      boolean good = error <= tolerance;
      equal &= good;
      lines.append(
          "%-12s %-14s %9d values  %s %.2e  tolerance %.0e%s%n"
              .formatted(
                  task.id(),
                  name,
                  a.length,
                  decisions ? "share differing" : "error / largest",
                  error,
                  tolerance,
                  good ? "" : "  DIFFERENT"));
    }
    if (!equal) {
      throw new IllegalStateException("the engines do not compute the same:\n" + lines);
    }
    return lines.toString();
  }

  /**
   * Largest allowed error relative to the largest value: a few float32 roundings for maps; more for
   * gradients, where a ReLU input within a rounding of zero may fall on either side; for seeds the
   * share of positions decided differently, which ties within a rounding allow.
   */
  private static double tolerance(String name) {
    return switch (name) {
      case "seeds" -> 1e-3;
      case "score" -> 1e-4;
      case "gradient norm", "gradient norms" -> 2e-3;
      default -> 2e-5;
    };
  }

  private static double worst(float[] a, float[] b) {
    double largest = 0;
    double worst = a.length == b.length && a.length > 0 ? 0 : Double.POSITIVE_INFINITY;
    for (int i = 0; i < Math.min(a.length, b.length); i++) {
      largest = Math.max(largest, Math.abs(a[i]));
      double error = Math.abs((double) a[i] - b[i]);
      worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
    }
    return largest == 0 ? Double.POSITIVE_INFINITY : worst / largest;
  }

  private static double differing(float[] a, float[] b) {
    if (a.length != b.length) {
      return 1;
    }
    double differing = 0;
    double set = 0;
    for (int i = 0; i < a.length; i++) {
      differing += a[i] == b[i] ? 0 : 1;
      set += a[i] == 0 ? 0 : 1;
    }
    return set == 0 ? 1 : differing / set;
  }
}
