package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLWriteFeature;

/** Reads, overrides and writes recipes. */
public final class Recipes {
  /** The recipes that come with Wisp. */
  public static final List<String> NAMES = List.of("paper", "release", "demo");

  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(YAMLWriteFeature.WRITE_DOC_START_MARKER)
          .build();

  private Recipes() {}

  /**
   * A named recipe, or a file of values over a named one ({@code name:} in the file says which;
   * {@code paper} if it does not), with overrides on top.
   *
   * @param nameOrFile one of {@link #NAMES} or a YAML file
   * @param overrides {@code section.key=value} each
   * @throws WispException naming the unknown key, the malformed value or the missing file
   */
  public static Recipe load(String nameOrFile, List<String> overrides) {
    ObjectNode tree;
    if (NAMES.contains(nameOrFile)) {
      tree = named(nameOrFile);
    } else {
      Path file = Path.of(nameOrFile);
      ObjectNode values = parse(file);
      JsonNode base = values.get("name");
      String name = base == null ? "paper" : base.asString();
      if (!NAMES.contains(name)) {
        throw new WispException(
            "recipe %s: name is '%s'; give one of %s"
                .formatted(file, name, String.join(", ", NAMES)));
      }
      tree = named(name);
      merge(tree, values, "", file.toString());
    }
    overrides.forEach(override -> override(tree, override));
    return bind(tree, nameOrFile, overrides);
  }

  /** The recipe with one or more values changed: {@code section.key=value} each. */
  public static Recipe with(Recipe recipe, List<String> overrides) {
    ObjectNode tree = YAML.valueToTree(recipe);
    overrides.forEach(override -> override(tree, override));
    return bind(tree, recipe.name(), overrides);
  }

  /** All values as YAML. */
  public static String write(Recipe recipe) {
    return YAML.writeValueAsString(recipe);
  }

  /** Some sections as YAML, for comparing. */
  static String sections(Recipe recipe, List<String> names) {
    ObjectNode all = YAML.valueToTree(recipe);
    ObjectNode some = YAML.createObjectNode();
    names.forEach(name -> some.set(name, all.get(name)));
    return YAML.writeValueAsString(some);
  }

  /** Reads what {@link #write} wrote. */
  public static Recipe read(Path file) {
    return complete(parse(file), file.toString());
  }

  /** Reads what {@link #write} wrote, from a text. */
  static Recipe parse(String yaml, String source) {
    return complete(tree(yaml, source), source);
  }

  private static Recipe complete(ObjectNode values, String source) {
    ObjectNode tree = named("paper");
    merge(tree, values, "", source);
    return bind(tree, source, List.of());
  }

  private static ObjectNode named(String name) {
    String resource = "/recipes/" + name + ".yaml";
    try (InputStream in = Recipes.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("resource " + resource + " is missing");
      }
      return (ObjectNode) YAML.readTree(in);
    } catch (IOException e) {
      throw new IllegalStateException("resource " + resource + " cannot be read", e);
    }
  }

  private static ObjectNode parse(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new WispException(
          "recipe '%s' is neither a file nor one of %s".formatted(file, String.join(", ", NAMES)));
    }
    try {
      return tree(Files.readString(file, StandardCharsets.UTF_8), file.toString());
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  private static ObjectNode tree(String yaml, String source) {
    try {
      if (YAML.readTree(yaml) instanceof ObjectNode object) {
        return object;
      }
      throw new WispException("recipe %s: not a list of key: value lines".formatted(source));
    } catch (JacksonException e) {
      int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
      throw new WispException(
          "recipe %s: line %d: malformed YAML: %s".formatted(source, line, firstLine(e)), e);
    }
  }

  private static void merge(ObjectNode into, ObjectNode from, String path, String source) {
    for (Map.Entry<String, JsonNode> entry : from.properties()) {
      String key = path + entry.getKey();
      JsonNode old = into.get(entry.getKey());
      if (old == null) {
        throw unknown("recipe " + source, key, into, path);
      }
      if (old instanceof ObjectNode section) {
        if (!(entry.getValue() instanceof ObjectNode values)) {
          throw new WispException("recipe %s: %s is a section".formatted(source, key));
        }
        merge(section, values, key + ".", source);
      } else {
        into.set(entry.getKey(), entry.getValue());
      }
    }
  }

  private static void override(ObjectNode tree, String assignment) {
    int equals = assignment.indexOf('=');
    if (equals < 1) {
      throw new WispException(
          "--set %s: give section.key=value, such as training.batch=8".formatted(assignment));
    }
    String key = assignment.substring(0, equals).strip();
    String[] parts = key.split("\\.", -1);
    ObjectNode section = tree;
    String path = "";
    for (int i = 0; i < parts.length; i++) {
      JsonNode old = section.get(parts[i]);
      if (old == null) {
        throw unknown("--set " + assignment, key, section, path);
      }
      boolean last = i == parts.length - 1;
      if (old instanceof ObjectNode inner) {
        if (last) {
          throw new WispException(
              "--set %s: %s is a section; give one of its keys: %s"
                  .formatted(assignment, key, String.join(", ", inner.propertyNames())));
        }
        section = inner;
        path += parts[i] + ".";
      } else if (last) {
        section.set(parts[i], value(assignment, assignment.substring(equals + 1).strip(), old));
      } else {
        throw unknown("--set " + assignment, key, section, path);
      }
    }
  }

  private static JsonNode value(String assignment, String text, JsonNode old) {
    if (old.isString()) {
      return YAML.getNodeFactory().stringNode(text);
    }
    String yaml = old.isArray() && !text.startsWith("[") ? "[" + text + "]" : text;
    try {
      return YAML.readTree(yaml);
    } catch (JacksonException e) {
      throw new WispException(
          "--set %s: malformed value: %s".formatted(assignment, firstLine(e)), e);
    }
  }

  private static WispException unknown(String source, String key, ObjectNode section, String path) {
    String known = String.join(", ", new TreeSet<>(section.propertyNames()));
    String where = path.isEmpty() ? "at the top" : "in " + path.substring(0, path.length() - 1);
    return new WispException(
        "%s: unknown key %s; known %s: %s".formatted(source, key, where, known));
  }

  private static Recipe bind(ObjectNode tree, String source, List<String> overrides) {
    try {
      return YAML.treeToValue(tree, Recipe.class);
    } catch (JacksonException e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof WispException wrong) {
          throw wrong;
        }
      }
      throw new WispException(wrongType(e, tree, source, overrides), e);
    }
  }

  private static String wrongType(
      JacksonException e, ObjectNode tree, String source, List<String> overrides) {
    StringBuilder key = new StringBuilder();
    JsonNode value = tree;
    for (JacksonException.Reference part : e.getPath()) {
      if (part.getPropertyName() != null) {
        key.append(key.isEmpty() ? "" : ".").append(part.getPropertyName());
        value = value.path(part.getPropertyName());
      }
    }
    String where =
        overrides.stream()
            .filter(override -> override.startsWith(key + "="))
            .reduce((first, last) -> last)
            .map(override -> "--set " + override)
            .orElse("recipe " + source);
    Class<?> wanted =
        e instanceof MismatchedInputException mismatch ? mismatch.getTargetType() : null;
    String remedy =
        wanted == int.class || wanted == long.class || wanted == Integer.class
            ? "give a whole number"
            : wanted == double.class || wanted == Double.class
                ? "give a number"
                : "this is not what belongs there";
    return "%s: %s is %s; %s%s"
        .formatted(where, key, value, remedy, value.isArray() ? " in each place" : "");
  }

  private static String firstLine(JacksonException e) {
    return e.getOriginalMessage().lines().findFirst().orElse("");
  }
}
