package dev.wisp.backend.cuda;

import dev.wisp.backend.support.CacheFolders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiles kernel files for one architecture, and keeps the results on disk under the SHA-256 of
 * source, options, architecture and compiler version. A kept file that is damaged is made again; a
 * cache that cannot be written costs time, nothing else.
 */
final class CudaCompiler {
  /**
   * Contraction off: a fused multiply-add appears only where the source writes one. Line numbers
   * for profilers and for the software device's reports.
   */
  static final List<String> OPTIONS = List.of("--std=c++17", "--fmad=false", "-lineinfo");

  private static final Logger LOG = LoggerFactory.getLogger(CudaCompiler.class);

  /** SHA-256 of the rest of a kept file, which comes first in it. */
  private static final int HASH_BYTES = 32;

  private final Nvrtc nvrtc;
  private final CudaCode code;
  private final List<String> options;
  private final List<Path> cacheFolders;
  private final List<Path> folders;
  private int compiled;

  /**
   * A compiler for one kind of code.
   *
   * @param options beside the architecture, {@link #OPTIONS}
   * @param cacheFolders where results are kept, in the first that can be written
   */
  CudaCompiler(Nvrtc nvrtc, CudaCode code, List<String> options, List<Path> cacheFolders) {
    this.nvrtc = nvrtc;
    this.code = code;
    List<String> all = new ArrayList<>(options);
    all.add("--gpu-architecture=" + code.option());
    this.options = List.copyOf(all);
    this.cacheFolders = cacheFolders;
    folders = cacheFolders.stream().map(folder -> folder.resolve("cuda")).toList();
  }

  CudaCode code() {
    return code;
  }

  /** Where what can be made again is kept. */
  List<Path> cacheFolders() {
    return cacheFolders;
  }

  /** How many files were compiled rather than found. */
  int compiled() {
    return compiled;
  }

  /**
   * The compiled file: PTX with the 0 that ends it, or a CUBIN.
   *
   * @throws dev.wisp.common.WispException with the compiler's log if it does not compile
   */
  byte[] compile(CudaSource source) {
    String name = name(source);
    for (Path folder : folders) {
      byte[] kept = read(folder.resolve(name));
      if (kept.length > 0) {
        return kept;
      }
    }
    byte[] image = nvrtc.compile(source, code.form(), options);
    compiled++;
    keep(name, image);
    return image;
  }

  private String name(CudaSource source) {
    String key =
        CacheFolders.hash(
            bytes(source.text()), bytes(String.join(" ", options)), bytes(nvrtc.version()));
    return "%s-%s.%s"
        .formatted(source.name(), key, code.form() == CudaCode.Form.PTX ? "ptx" : "cubin");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** The image in a kept file; empty if there is none or it is damaged. */
  private static byte[] read(Path file) {
    byte[] content;
    try {
      content = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
    } catch (IOException unreadable) {
      LOG.debug("compiled kernels in {} cannot be read: {}", file, unreadable.getMessage());
      return new byte[0];
    }
    if (content.length <= HASH_BYTES) {
      return new byte[0];
    }
    byte[] image = Arrays.copyOfRange(content, HASH_BYTES, content.length);
    String hash = HexFormat.of().formatHex(content, 0, HASH_BYTES);
    return hash.equals(CacheFolders.hash(image)) ? image : new byte[0];
  }

  private void keep(String name, byte[] image) {
    byte[] content =
        Arrays.copyOf(HexFormat.of().parseHex(CacheFolders.hash(image)), HASH_BYTES + image.length);
    System.arraycopy(image, 0, content, HASH_BYTES, image.length);
    for (Path folder : folders) {
      try {
        CacheFolders.store(folder, name, content);
        return;
      } catch (IOException unusable) {
        LOG.debug("compiled kernels cannot be kept in {}: {}", folder, unusable.getMessage());
      }
    }
  }
}
