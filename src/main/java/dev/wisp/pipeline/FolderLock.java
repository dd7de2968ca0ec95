package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Keeps a folder for one process at a time, through a lock on its file {@code .lock} that the
 * operating system drops with the process, however it ends. Closing gives the folder back.
 */
final class FolderLock implements AutoCloseable {
  private static final String FILE = ".lock";

  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes a folder; makes it if it is missing.
   *
   * @throws WispException if another holds it
   */
  static FolderLock take(Path folder) {
    AtomicFiles.makeFolder(folder);
    try {
      FileChannel channel =
          FileChannel.open(
              folder.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock;
      try {
        lock = channel.tryLock();
      } catch (OverlappingFileLockException inThisProcess) {
        lock = null;
      }
      if (lock == null) {
        channel.close();
        throw FileErrors.of(folder, "another process works on this run; wait for it or stop it");
      }
      return new FolderLock(channel);
    } catch (IOException e) {
      throw FileErrors.writing(folder, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new IllegalStateException("a lock cannot be released", e);
    }
  }
}
