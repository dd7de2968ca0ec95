package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import dev.wisp.io.FileTrees;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The folder of one training: {@code recipe.yaml}, {@code metrics.jsonl}, an event file and {@code
 * checkpoints/}. Held by one process at a time through a file lock, which the operating system
 * drops with the process, however it ends. Closing gives it back.
 */
public final class RunDirectory implements AutoCloseable {
  /** What to do with a folder that holds a run already. */
  public enum Existing {
    /** Refuse. */
    REFUSE,
    /** Continue the run; start it if it was stopped before it had written anything. */
    RESUME,
    /** Delete the run's files (and no others), then start anew. */
    REPLACE
  }

  private static final String RECIPE = "recipe.yaml";

  private final Path folder;
  private final Recipe recipe;
  private final FolderLock lock;

  private RunDirectory(Path folder, Recipe recipe, FolderLock lock) {
    this.folder = folder;
    this.recipe = recipe;
    this.lock = lock;
  }

  /**
   * Takes a folder for a run.
   *
   * @param recipe what the run is to do; when resuming it must equal the stored one
   * @throws WispException if another process holds it, if it holds a run and {@code existing}
   *     refuses, if there is no folder to resume in, or if the stored recipe differs
   */
  public static RunDirectory open(Path folder, Recipe recipe, Existing existing) {
    boolean held = holdsRun(folder);
    if (existing == Existing.RESUME && !Files.isDirectory(folder)) {
      throw FileErrors.of(folder, "no such folder; leave out --resume to start a run there");
    }
    if (existing == Existing.REFUSE && held) {
      throw FileErrors.of(
          folder, "holds a run already; continue it with --resume or replace it with --force");
    }
    FolderLock lock = FolderLock.take(folder);
    try {
      if (existing == Existing.REPLACE) {
        for (String name : List.of(RECIPE, "metrics.jsonl", "checkpoints")) {
          FileTrees.delete(folder.resolve(name));
        }
      }
      if (existing == Existing.RESUME && held) {
        requireEqual(folder, Recipes.read(folder.resolve(RECIPE)), recipe);
      } else {
        AtomicFiles.writeString(folder.resolve(RECIPE), Recipes.write(recipe));
      }
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
    return new RunDirectory(folder, recipe, lock);
  }

  /** Whether a folder holds a run; one that was killed in its first moments may not yet. */
  public static boolean holdsRun(Path folder) {
    return Files.exists(folder.resolve(RECIPE));
  }

  /** The recipe stored in a run's folder. */
  public static Recipe recipe(Path folder) {
    Path file = folder.resolve(RECIPE);
    if (!Files.isRegularFile(file)) {
      throw FileErrors.of(folder, "holds no run (no " + RECIPE + ")");
    }
    return Recipes.read(file);
  }

  private static void requireEqual(Path folder, Recipe stored, Recipe wanted) {
    if (!stored.equals(wanted)) {
      List<String> was = Recipes.write(stored).lines().toList();
      List<String> is = Recipes.write(wanted).lines().toList();
      int i = 0;
      while (i < Math.min(was.size(), is.size()) && was.get(i).equals(is.get(i))) {
        i++;
      }
      throw FileErrors.of(
          folder.resolve(RECIPE),
          "the run has '%s' where this command asks for '%s'; give the same values or another folder"
              .formatted(
                  i < was.size() ? was.get(i).strip() : "",
                  i < is.size() ? is.get(i).strip() : ""));
    }
  }

  public Path folder() {
    return folder;
  }

  public Recipe recipe() {
    return recipe;
  }

  /** Folder of the checkpoints. */
  public Path checkpoints() {
    return folder.resolve("checkpoints");
  }

  @Override
  public void close() {
    lock.close();
  }
}
