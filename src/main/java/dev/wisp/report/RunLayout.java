package dev.wisp.report;

import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.io.FileErrors;
import dev.wisp.pipeline.AblationFiles;
import dev.wisp.pipeline.Demo;
import dev.wisp.pipeline.Labelling;
import dev.wisp.pipeline.RunDirectory;
import dev.wisp.pipeline.StageScores;
import dev.wisp.pipeline.stages.StageManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where in a run's folder what lies. {@link #find} knows the folders that the commands make; a
 * caller that keeps its stages elsewhere fills this in itself.
 *
 * @param root the run's folder
 * @param trainings folders with {@code metrics.jsonl} and {@code recipe.yaml}, in order
 * @param data the dataset whose images were labelled, with masks if labels are to be scored
 * @param layers maps and labels of those images, in the order of the stages
 * @param labelling folder whose {@code labelling.yaml} says what made the labels
 * @param ablation folder with an {@code ablation.json}
 * @param summary file with a demo's summary
 * @param scores file with the scores of a pipeline's stages
 * @param manifests a pipeline's manifests, in the order in which the stages ended
 */
public record RunLayout(
    Path root,
    List<Path> trainings,
    Optional<Dataset> data,
    List<Source> layers,
    Optional<Path> labelling,
    Optional<Path> ablation,
    Optional<Path> summary,
    Optional<Path> scores,
    List<Path> manifests) {
  /** Name of the labels after the dense CRF. */
  public static final String CRF = "Label + CRF";

  private static final String LABEL = "Label";
  private static final String IRN = "IRN";

  private static final String SCORES = "evaluate/scores.json";

  /** What a layer's files are. */
  public enum Kind {
    /** {@code ID.npz}: localisation maps. */
    MAPS,
    /** {@code ID.png}: pseudo-labels. */
    LABELS,
    /** {@code ID.png}: predictions of a segmentation network. */
    PREDICTIONS
  }

  /**
   * A folder with a file per image.
   *
   * @param name what people call the stage
   */
  public record Source(String name, Kind kind, Path folder) {}

  /**
   * Looks at a folder and the folders in it.
   *
   * @param data the dataset that was labelled; null for the one in the run's own folder, if any
   * @throws dev.wisp.common.WispException if nothing of a run is there
   */
  public static RunLayout find(Path root, @Nullable Dataset data) {
    if (!Files.isDirectory(root)) {
      throw FileErrors.of(root, "no such folder");
    }
    List<Path> places = places(root);
    List<Path> trainings =
        places.stream()
            .filter(
                place ->
                    Files.isRegularFile(place.resolve(RunDirectory.METRICS))
                        || Files.isRegularFile(place.resolve(RunDirectory.RECIPE)))
            .toList();
    Optional<Path> labelling = holding(places, Labelling.SETTINGS);
    Optional<Path> ablation = holding(places, AblationFiles.JSON);
    if (trainings.isEmpty() && labelling.isEmpty() && ablation.isEmpty()) {
      throw FileErrors.of(
          root,
          "holds no run: no %s, %s or %s in it or its folders"
              .formatted(RunDirectory.RECIPE, Labelling.SETTINGS, AblationFiles.JSON));
    }
    Optional<Dataset> shown =
        data != null ? Optional.of(data) : labelling.isPresent() ? own(root) : Optional.empty();
    return new RunLayout(
        root,
        trainings,
        shown,
        labelling.map(place -> layers(root, place)).orElse(List.of()),
        labelling,
        ablation,
        file(root.resolve(Demo.SUMMARY)),
        file(root.resolve(SCORES)),
        manifests(root));
  }

  /** What people call the labels of a pipeline's stage. */
  static String title(String stage) {
    return switch (stage) {
      case "label" -> LABEL;
      case "crf" -> CRF;
      case "irn" -> IRN;
      case StageScores.SEGMENTATION -> "DeepLabV3";
      default -> stage;
    };
  }

  private static Optional<Path> file(Path file) {
    return Files.isRegularFile(file) ? Optional.of(file) : Optional.empty();
  }

  private static List<Path> manifests(Path root) {
    Path folder = root.resolve(StageManifest.FOLDER);
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> inside = Files.list(folder)) {
      return inside
          .filter(file -> file.toString().endsWith(".json"))
          .sorted(Comparator.comparing(RunLayout::changed).thenComparing(Path::toString))
          .toList();
    } catch (IOException e) {
      throw FileErrors.reading(folder, e);
    }
  }

  private static Optional<Path> holding(List<Path> places, String file) {
    return places.stream().filter(place -> Files.isRegularFile(place.resolve(file))).findFirst();
  }

  /** The folder itself, then the folders in it in the order in which their runs began. */
  private static List<Path> places(Path root) {
    List<Path> places = new ArrayList<>(List.of(root));
    try (Stream<Path> inside = Files.list(root)) {
      inside
          .filter(Files::isDirectory)
          .sorted(Comparator.comparing(RunLayout::began).thenComparing(Path::toString))
          .forEach(places::add);
    } catch (IOException e) {
      throw FileErrors.reading(root, e);
    }
    return places;
  }

  /** A recipe is written once, when its run begins. */
  private static FileTime began(Path folder) {
    Path recipe = folder.resolve(RunDirectory.RECIPE);
    return changed(Files.exists(recipe) ? recipe : folder);
  }

  private static FileTime changed(Path path) {
    try {
      return Files.getLastModifiedTime(path);
    } catch (IOException gone) {
      return FileTime.fromMillis(0);
    }
  }

  /** The dataset that a demo or a pipeline draws into its own folder; the list that it labelled. */
  private static Optional<Dataset> own(Path root) {
    Path folder = root.resolve("data");
    if (!Files.isDirectory(folder)) {
      return Optional.empty();
    }
    String list =
        RunDirectory.holdsRun(root) ? RunDirectory.recipe(root).pipeline().trainList() : "val";
    return Optional.of(Datasets.open(folder, Datasets.hasLists(folder) ? list : null));
  }

  private static List<Source> layers(Path root, Path labelling) {
    List<Source> layers = new ArrayList<>();
    Path shown = root.resolve("showcase");
    Path stages = (Files.isDirectory(shown) ? shown : labelling).resolve(Labelling.STAGES);
    if (Files.isDirectory(stages)) {
      try (Stream<Path> inside = Files.list(stages)) {
        inside
            .filter(Files::isDirectory)
            .sorted()
            .forEach(
                stage ->
                    layers.add(new Source(String.valueOf(stage.getFileName()), Kind.MAPS, stage)));
      } catch (IOException e) {
        throw FileErrors.reading(stages, e);
      }
    }
    add(layers, finalMaps(labelling), Kind.MAPS, labelling.resolve(Labelling.MAPS));
    add(layers, LABEL, Kind.LABELS, labelling.resolve(Labelling.LABELS));
    add(layers, CRF, Kind.LABELS, labelling.resolve("crf"));
    if (!labelling.equals(root)) {
      // A pipeline's later stages lie beside the labelling.
      add(layers, CRF, Kind.LABELS, root.resolve("crf").resolve(Labelling.LABELS));
      add(layers, IRN, Kind.LABELS, root.resolve("irn").resolve(Labelling.LABELS));
      add(layers, "Prediction", Kind.PREDICTIONS, shown.resolve(Labelling.LABELS));
    }
    return layers;
  }

  /** Maps are affinity enhanced where refinement is among the steps. */
  private static String finalMaps(Path labelling) {
    return RunFacts.labelling(labelling)
            .path("method")
            .path("sequence")
            .asString("")
            .contains("pamr")
        ? "AE-IS-CAM"
        : "IS-CAM";
  }

  private static void add(List<Source> layers, String name, Kind kind, Path folder) {
    if (Files.isDirectory(folder)) {
      layers.add(new Source(name, kind, folder));
    }
  }
}
