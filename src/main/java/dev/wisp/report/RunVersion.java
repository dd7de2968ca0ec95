package dev.wisp.report;

import dev.wisp.pipeline.AblationFiles;
import dev.wisp.pipeline.Labelling;
import dev.wisp.pipeline.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/**
 * Tells from sizes and times whether a run's files have changed.
 *
 * @param metrics of what trainings append to
 * @param rest of everything else that a report shows
 */
record RunVersion(String metrics, String rest) {
  static RunVersion of(RunLayout layout) {
    List<Path> growing =
        layout.trainings().stream().map(folder -> folder.resolve(RunDirectory.METRICS)).toList();
    List<Path> others = new ArrayList<>();
    layout.trainings().forEach(folder -> others.add(folder.resolve(RunDirectory.RECIPE)));
    layout.labelling().ifPresent(folder -> others.add(folder.resolve(Labelling.SETTINGS)));
    layout.ablation().ifPresent(folder -> others.add(folder.resolve(AblationFiles.JSON)));
    layout.summary().ifPresent(others::add);
    layout.scores().ifPresent(others::add);
    others.addAll(layout.manifests());
    // A folder's time changes with each file that is put into it.
    layout.layers().forEach(source -> others.add(source.folder()));
    return new RunVersion(of(growing), of(others));
  }

  private static String of(List<Path> files) {
    long hash = 17;
    for (Path file : files) {
      hash = 31 * hash + file.hashCode();
      try {
        BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
        hash = 31 * (31 * hash + now.size()) + now.lastModifiedTime().toMillis();
      } catch (IOException missing) {
        hash = 31 * hash;
      }
    }
    return Long.toHexString(hash);
  }
}
