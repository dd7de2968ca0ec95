package dev.wisp.golden;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * Finds the golden vectors below the folder that the system property {@code wisp.golden} names.
 * Where a folder or a file is absent the calling test is skipped and a line says so.
 */
public final class GoldenSupport {
  private GoldenSupport() {}

  /** A subfolder such as {@code ae_sipe}, or skips the test where there is none. */
  public static GoldenFolder open(String subfolder) {
    Path root = Path.of(System.getProperty("wisp.golden", "../shared/golden"));
    Path folder = root.resolve(subfolder).toAbsolutePath().normalize();
    if (!Files.isDirectory(folder)) {
      skip("no folder %s; name its parent with -Dwisp.golden=DIR".formatted(folder));
    }
    return new GoldenFolder(folder);
  }

  /** The files that match, at least one, or skips the test where there is none. */
  public static List<String> stems(GoldenFolder golden, String pattern) {
    List<String> stems = golden.stems(pattern);
    if (stems.isEmpty()) {
      skip("no %s.safetensors in %s".formatted(pattern, golden.folder()));
    }
    return stems;
  }

  /** Skips the calling test; the line also stands where skipped tests are not listed. */
  private static void skip(String reason) {
    System.out.println("golden vectors skipped: " + reason);
    Assumptions.abort(reason);
  }
}
