package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import dev.wisp.io.FileTrees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The training checkpoints of a run, {@code step-0000000200.safetensors}: the two newest stay. */
final class CheckpointFolder {
  private static final Pattern NAME = Pattern.compile("step-(\\d{10})\\.safetensors");
  private static final int KEPT = 2;

  private final Path folder;

  CheckpointFolder(Path folder) {
    this.folder = folder;
  }

  /** Adds the checkpoint of a step and removes those that are no longer needed. */
  void add(long step, Checkpoint checkpoint) {
    checkpoint.write(folder.resolve("step-%010d.safetensors".formatted(step)));
    List<Path> all = newestFirst();
    for (Path old : all.subList(Math.min(KEPT, all.size()), all.size())) {
      FileTrees.delete(old);
    }
  }

  /**
   * The newest checkpoint.
   *
   * @param acceptOlder whether to take the one before if the newest is damaged
   * @return empty if there is none
   * @throws WispException naming the damaged file
   */
  Optional<Checkpoint> newest(boolean acceptOlder) {
    List<Path> all = newestFirst();
    WispException first = null;
    for (Path file : all) {
      try {
        return Optional.of(Checkpoint.read(file));
      } catch (WispException damaged) {
        if (!acceptOlder) {
          String remedy =
              all.size() > 1
                  ? "; continue from the one before with --accept-older"
                  : "; start the run anew with --force";
          throw new WispException(damaged.getMessage() + remedy, damaged);
        }
        first = first == null ? damaged : first;
      }
    }
    if (first != null) {
      throw new WispException(
          first.getMessage() + "; no older one is whole: start the run anew with --force", first);
    }
    return Optional.empty();
  }

  private List<Path> newestFirst() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> matcher(file).matches())
          .sorted((a, b) -> b.compareTo(a))
          .toList();
    } catch (IOException e) {
      throw FileErrors.reading(folder, e);
    }
  }

  private static Matcher matcher(Path file) {
    return NAME.matcher(String.valueOf(file.getFileName()));
  }
}
