package dev.wisp.data;

import dev.wisp.common.WispException;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * Image-level labels from one source. Implementations: {@link CsvLabels}, {@link NumpyLabels},
 * {@link VocAnnotations}, {@link CocoInstances}.
 */
public interface ImageLabels {
  /**
   * The classes of an image, ids 1..K, or null where the source does not know the image.
   *
   * @throws WispException where the source is damaged
   */
  int @Nullable [] of(String id);

  /** The source in words, for messages. */
  String source();

  /** Distinct ids as an ascending array. */
  static int[] ids(Collection<Integer> ids) {
    return ids.stream().mapToInt(Integer::intValue).sorted().distinct().toArray();
  }
}
