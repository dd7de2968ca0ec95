package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import dev.wisp.pipeline.RunDirectory.Existing;
import dev.wisp.pipeline.stages.Stage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** What all stages of a pipeline share: the request, the data, and how a stage is put together. */
class PipelineContext {
  static final String FINAL = "checkpoints/final.safetensors";

  final Pipeline.Request request;
  final List<Backend> devices;
  final Progress progress;
  final PipelineData data;

  PipelineContext(Pipeline.Request request, List<Backend> devices, Progress progress) {
    this.request = request;
    this.devices = devices;
    this.progress = progress;
    this.data = new PipelineData(request.data().orElse(folder(PipelineStages.DATA)));
  }

  Recipe recipe() {
    return request.recipe();
  }

  PipelineRecipe values() {
    return recipe().pipeline();
  }

  Path folder(String stage) {
    return request.run().resolve(stage);
  }

  Backend device() {
    return devices.getFirst();
  }

  /** Where a network's encoder gets its first weights from. */
  record Encoder(Path weights, boolean pretrained) {
    Map<String, String> needs() {
      return pretrained ? Map.of(PipelineStages.PRETRAIN, "the encoder's weights") : Map.of();
    }

    Map<String, Supplier<String>> given() {
      return pretrained ? Map.of() : Map.of("weights", () -> Fingerprint.of(weights));
    }
  }

  /**
   * Own weights where they are given, else the first network's if it has the same encoder.
   *
   * @throws WispException that names the option, if there are none
   */
  Encoder encoder(String backbone, Optional<Path> own, String option) {
    if (own.isPresent()) {
      return new Encoder(requireFile(own.get()), false);
    }
    boolean same = backbone.equals(recipe().network().backbone());
    if (same && values().pretrain()) {
      return new Encoder(folder(PipelineStages.PRETRAIN).resolve(FINAL), true);
    }
    if (same && request.weights().isPresent()) {
      return new Encoder(requireFile(request.weights().get()), false);
    }
    throw new WispException(
        "the recipe needs ImageNet weights of a %s; give them with %s".formatted(backbone, option));
  }

  static Path requireFile(Path weights) {
    if (!Files.isRegularFile(weights)) {
      throw FileErrors.of(weights, "no such weights file");
    }
    return weights;
  }

  /** A stage that works on a list of the dataset. */
  Stage stage(
      String name,
      List<String> sections,
      Map<String, String> needs,
      Map<String, Supplier<String>> given,
      String list,
      List<String> outputs,
      Stage.Body body) {
    Map<String, String> allNeeds = new LinkedHashMap<>(needs);
    Map<String, Supplier<String>> allGiven = new LinkedHashMap<>(given);
    if (request.data().isEmpty()) {
      allNeeds.put(PipelineStages.DATA, "the images");
    } else {
      allGiven.put("list " + list, () -> data.digest(list));
    }
    return new Stage(name, Recipes.sections(recipe(), sections), allNeeds, allGiven, outputs, body);
  }

  /**
   * The recipe for a run folder: when an attempt goes on, the one it was begun with, which is equal
   * in all that matters to its stage and may differ in sections that do not.
   */
  Recipe stored(Path run, boolean resume) {
    return resume && RunDirectory.holdsRun(run) ? RunDirectory.recipe(run) : recipe();
  }

  static Existing existing(boolean resume) {
    return resume ? Existing.RESUME : Existing.REPLACE;
  }
}
