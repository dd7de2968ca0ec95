package dev.wisp.backend.cuda;

import dev.wisp.backend.support.CacheFolders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The choices of a card, its driver and a version of cuDNN, kept in one file: trying all algorithms
 * takes long, and a choice by time that is made anew may fall otherwise and change the last bits of
 * results. A damaged file is ignored with a warning and made anew; one that cannot be written costs
 * time, nothing else.
 */
final class CudnnAlgorithms {
  /** Most choices kept, the oldest dropped first. ResNet-101 with its head needs 80 to train. */
  static final int MOST = 4096;

  /** The file is written after so many new choices, and at the end. */
  private static final int UNSAVED = 16;

  private static final Logger LOG = LoggerFactory.getLogger(CudnnAlgorithms.class);
  private static final String FORMAT = "wisp cudnn choices 1";

  private final List<Path> folders;
  private final String name;
  private final String owner;
  private final Map<String, CudnnChoice> choices = new LinkedHashMap<>();
  private int unsaved;

  /**
   * Reads the file if there is one.
   *
   * @param folders where it is looked for, and kept in the first that can be written
   * @param card its name
   * @param driver CUDA version of the driver, 12060 for 12.6
   * @param version of cuDNN
   */
  CudnnAlgorithms(List<Path> folders, String card, int driver, String version) {
    this.folders = folders.stream().map(folder -> folder.resolve("cuda")).toList();
    owner = "%s, driver for CUDA %s, %s".formatted(card, CudaDevice.version(driver), version);
    String hash = CacheFolders.hash(owner.getBytes(StandardCharsets.UTF_8));
    name = "cudnn-%s.txt".formatted(hash.substring(0, 16));
    choices.putAll(read(true));
  }

  /** The choice for a convolution; null if none was made. */
  @Nullable CudnnChoice get(String key) {
    return choices.get(key);
  }

  /** Forgets a choice that turned out not to work. */
  void remove(String key) {
    choices.remove(key);
  }

  /** Keeps a choice. */
  void put(String key, CudnnChoice choice) {
    choices.put(key, choice);
    bound(choices);
    if (++unsaved >= UNSAVED) {
      save();
    }
  }

  private static void bound(Map<String, CudnnChoice> choices) {
    while (choices.size() > MOST) {
      var eldest = choices.entrySet().iterator();
      eldest.next();
      eldest.remove();
    }
  }

  /** Writes what is not written yet, beside what another process has written meanwhile. */
  void save() {
    if (unsaved == 0) {
      return;
    }
    unsaved = 0;
    Map<String, CudnnChoice> all = read(false);
    choices.forEach(
        (key, choice) -> {
          all.remove(key);
          all.put(key, choice);
        });
    bound(all);
    StringBuilder text = new StringBuilder(FORMAT).append('\n').append(owner).append('\n');
    all.forEach((key, choice) -> text.append(key).append('\t').append(choice.text()).append('\n'));
    text.append(hash(text.toString())).append('\n');
    byte[] content = text.toString().getBytes(StandardCharsets.UTF_8);
    for (Path folder : folders) {
      try {
        CacheFolders.store(folder, name, content);
        return;
      } catch (IOException unusable) {
        LOG.debug("choices of cuDNN's cannot be kept in {}: {}", folder, unusable.getMessage());
      }
    }
  }

  private static String hash(String text) {
    return CacheFolders.hash(text.getBytes(StandardCharsets.UTF_8));
  }

  private Map<String, CudnnChoice> read(boolean warn) {
    for (Path folder : folders) {
      Path file = folder.resolve(name);
      if (Files.exists(file)) {
        try {
          Map<String, CudnnChoice> read =
              parse(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
          if (read != null) {
            return read;
          }
          if (warn) {
            LOG.warn("{} is damaged: cuDNN's algorithms are chosen anew", file);
          }
        } catch (IOException unreadable) {
          LOG.debug("{} cannot be read: {}", file, unreadable.getMessage());
        }
      }
    }
    return new LinkedHashMap<>();
  }

  /** The choices in a file; null if it is damaged. */
  private @Nullable Map<String, CudnnChoice> parse(String text) {
    int last = text.lastIndexOf('\n', text.length() - 2) + 1;
    if (last == 0
        || !text.startsWith(FORMAT + "\n" + owner + "\n")
        || !text.substring(last).equals(hash(text.substring(0, last)) + "\n")) {
      return null;
    }
    Map<String, CudnnChoice> read = new LinkedHashMap<>();
    for (String line : text.substring(0, last).lines().skip(2).toList()) {
      int tab = line.indexOf('\t');
      CudnnChoice choice = tab < 0 ? null : CudnnChoice.parse(line.substring(tab + 1));
      if (choice == null) {
        return null;
      }
      read.put(line.substring(0, tab), choice);
    }
    bound(read);
    return read;
  }
}
