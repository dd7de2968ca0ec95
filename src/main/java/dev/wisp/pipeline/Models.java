package dev.wisp.pipeline;

import dev.wisp.backend.PamrOptions;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.io.FileErrors;
import dev.wisp.io.TensorFile;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeConfig.MapNormalization;
import dev.wisp.method.AeSipeConfig.SeedFeature;
import dev.wisp.method.DeepLabConfig;
import dev.wisp.method.IrnConfig;
import dev.wisp.method.MapSequence;
import dev.wisp.nn.ResNetConfig;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLWriteFeature;

/** What a weights file says about itself in its text entries. */
final class Models {
  private static final String STAGE = "wisp.stage";
  private static final String CLASSES = "wisp.classes";
  private static final String RECIPE = "wisp.recipe";

  private static final YAMLMapper YAML =
      YAMLMapper.builder().disable(YAMLWriteFeature.WRITE_DOC_START_MARKER).build();

  private Models() {}

  /** Shape of the encoder that a recipe names. */
  static ResNetConfig backbone(Recipe recipe) {
    return backbone(recipe.network().backbone());
  }

  private static ResNetConfig backbone(String name) {
    return switch (name) {
      case "resnet50" -> ResNetConfig.resnet50();
      case "resnet101" -> ResNetConfig.resnet101();
      case "demo" -> ResNetConfig.demo();
      default -> throw new AssertionError(name);
    };
  }

  /** The segmentation network of a recipe. */
  static DeepLabConfig segmentation(Recipe recipe, int foreground) {
    SegmentationRecipe values = recipe.segmentation();
    DeepLabConfig config =
        values.backbone().equals("demo")
            ? DeepLabConfig.demo(foreground, values.outputStride())
            : DeepLabConfig.standard(
                backbone(values.backbone()), foreground, values.outputStride());
    return config.withDropout((float) values.dropout()).withLiveNorms(values.liveNorms());
  }

  /** IRN as a recipe states it. */
  static IrnConfig irn(Recipe recipe, int foreground) {
    IrnRecipe values = recipe.irn();
    return new IrnConfig(backbone(values.backbone()), foreground, values.radius());
  }

  /** The method's switches as a recipe states them. */
  static AeSipeConfig method(Recipe recipe, int foreground) {
    Recipe.Method values = recipe.method();
    AeSipeConfig config =
        recipe.network().backbone().equals("demo")
            ? AeSipeConfig.demo(foreground)
            : AeSipeConfig.aeSipe(backbone(recipe), foreground);
    Recipe.Pamr pamr = values.pamr();
    return config
        .withSeedFeature(
            values.feature().equals("semantic") ? SeedFeature.SEMANTIC : SeedFeature.HIERARCHICAL)
        .withSequence(MapSequence.parse(values.sequence()))
        .withNormalization(
            switch (values.normalization()) {
              case "none" -> MapNormalization.NONE;
              case "max" -> MapNormalization.MAX;
              default -> MapNormalization.MIN_MAX;
            })
        .withGuideStride(values.guideStride())
        .withGrowthLimit(values.growthLimit())
        .withPamr(
            new PamrOptions(
                pamr.dilations().stream().mapToInt(Integer::intValue).toArray(),
                pamr.iterations(),
                pamr.kernel().equals("gaussian")
                    ? PamrOptions.Kernel.GAUSSIAN
                    : PamrOptions.Kernel.ABS_STD,
                (float) pamr.sigma()));
  }

  /** Text entries for the weights of a stage. */
  static Map<String, String> text(String stage, Dataset data, Recipe recipe) {
    Map<String, String> text = new LinkedHashMap<>();
    text.put(STAGE, stage);
    text.put(CLASSES, JsonMapper.shared().writeValueAsString(data.classNames()));
    text.put(RECIPE, Recipes.write(recipe));
    return text;
  }

  /** Class names in a file's text entries; empty if it has none. */
  static List<String> classNames(Map<String, String> text) {
    String json = text.get(CLASSES);
    try {
      return json == null
          ? List.of()
          : JsonMapper.shared().readValue(json, new TypeReference<List<String>>() {});
    } catch (JacksonException e) {
      throw new WispException("a weights file's entry " + CLASSES + " is malformed", e);
    }
  }

  /**
   * Refuses weights whose classes are not the dataset's; weights that name none may be anything.
   */
  static void requireClasses(Path weights, Dataset data) {
    try (TensorFile file = Weights.open(weights)) {
      List<String> names = classNames(file.metadata());
      if (!names.isEmpty() && !names.equals(data.classNames())) {
        throw FileErrors.of(
            weights,
            "was trained for the classes %s, the dataset has %s"
                .formatted(String.join(", ", names), String.join(", ", data.classNames())));
      }
    }
  }

  /** The recipe stored with weights, if any. */
  static Optional<Recipe> recipe(Path weights) {
    try (TensorFile file = Weights.open(weights)) {
      String yaml = file.metadata().get(RECIPE);
      return yaml == null ? Optional.empty() : Optional.of(Recipes.parse(yaml, weights.toString()));
    }
  }

  /** What decides IRN's pseudo-labels besides weights, maps and images, as text. */
  static String refiningText(Recipe recipe) {
    return YAML.writeValueAsString(
        new TreeMap<>(Map.of("irn", recipe.irn(), "maxPixels", recipe.labelling().maxPixels())));
  }

  /** What decides maps and labels besides weights and images, as text. */
  static String labellingText(Recipe recipe) {
    return YAML.writeValueAsString(
        new TreeMap<>(
            Map.of(
                "network", recipe.network(),
                "method", recipe.method(),
                "labelling", recipe.labelling())));
  }
}
