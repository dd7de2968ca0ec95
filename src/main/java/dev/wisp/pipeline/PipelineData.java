package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.data.Sample;
import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32C;

/** The lists of a pipeline's dataset, opened when a stage first asks for them. */
final class PipelineData {
  private final Path root;
  private final Map<String, Dataset> lists = new HashMap<>();

  PipelineData(Path root) {
    this.root = root;
  }

  /**
   * A list; in a folder without lists, all of its images.
   *
   * @throws WispException if it is missing or empty
   */
  Dataset list(String name) {
    Dataset known = lists.get(name);
    if (known == null) {
      known = Datasets.open(root, Datasets.hasLists(root) ? name : null);
      if (known.samples().isEmpty()) {
        throw new WispException(known.name() + ": lists no image");
      }
      lists.put(name, known);
    }
    return known;
  }

  /** Digest of a list's masks; one that cannot be read counts as none. */
  String maskDigest(String name) {
    Dataset data = list(name);
    CRC32C crc = new CRC32C();
    for (Sample sample : data.samples()) {
      try {
        crc.update(sample.mask().isEmpty() ? new byte[0] : data.mask(sample).index());
      } catch (WispException unreadable) {
        crc.update(0);
      }
    }
    return "%08x".formatted(crc.getValue());
  }

  /** Digest of a list's names, labels and the sizes of its image files. */
  String digest(String name) {
    Dataset data = list(name);
    StringBuilder text = new StringBuilder(Fingerprint.of(data));
    for (Sample sample : data.samples()) {
      try {
        text.append('\n').append(Files.size(sample.image()));
      } catch (IOException e) {
        throw FileErrors.reading(sample.image(), e);
      }
    }
    return Fingerprint.of(text.toString());
  }
}
