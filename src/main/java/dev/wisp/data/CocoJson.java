package dev.wisp.data;

import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What Wisp needs of an instances file, read as a stream.
 *
 * @param categories names by id
 * @param images file names by id, in the file's order
 * @param present for each image with annotations the ids of its categories
 */
record CocoJson(
    Map<Integer, String> categories,
    Map<Long, String> images,
    Map<Long, TreeSet<Integer>> present) {
  private static final JsonFactory JSON = new JsonFactory();

  static CocoJson read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw FileErrors.of(file, "cannot read: no such file");
    }
    CocoJson result = new CocoJson(new HashMap<>(), new LinkedHashMap<>(), new HashMap<>());
    try (JsonParser in = JSON.createParser(ObjectReadContext.empty(), file)) {
      new Reading(file, in, result).top();
    } catch (JacksonException e) {
      int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
      throw FileErrors.of(
          file, "line " + Math.max(1, line) + ": malformed JSON: " + e.getOriginalMessage(), e);
    }
    result.check(file);
    return result;
  }

  private void check(Path file) {
    if (categories.isEmpty() || images.isEmpty()) {
      throw FileErrors.of(
          file,
          "not a COCO instances file: it lists no " + (images.isEmpty() ? "images" : "categories"));
    }
    present.forEach(
        (image, ids) -> {
          if (!images.containsKey(image)) {
            throw FileErrors.of(file, "an annotation is about an unknown image " + image);
          }
          for (int id : ids) {
            if (!categories.containsKey(id)) {
              throw FileErrors.of(file, "an annotation is of an unknown category " + id);
            }
          }
        });
  }

  /** One pass over the tokens. */
  private record Reading(Path file, JsonParser in, CocoJson to) {
    /** The fields of one list element that may matter. */
    private static final class Element {
      @Nullable Long id;
      @Nullable Long imageId;
      @Nullable Long categoryId;
      @Nullable String name;
      @Nullable String fileName;
    }

    private interface Take {
      void element(Element element);
    }

    void top() {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        throw problem("not an object");
      }
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String list = in.currentName();
        in.nextToken();
        switch (list) {
          case "categories" ->
              elements(
                  e -> {
                    if (to.categories().put(small(e.id, "id"), some(e.name, "name")) != null) {
                      throw problem("category " + e.id + " is listed twice");
                    }
                  });
          case "images" ->
              elements(
                  e -> {
                    if (to.images().put(some(e.id, "id"), some(e.fileName, "file_name")) != null) {
                      throw problem("image " + e.id + " is listed twice");
                    }
                  });
          case "annotations" ->
              elements(
                  e ->
                      to.present()
                          .computeIfAbsent(some(e.imageId, "image_id"), id -> new TreeSet<>())
                          .add(small(e.categoryId, "category_id")));
          default -> in.skipChildren();
        }
      }
    }

    private void elements(Take take) {
      if (in.currentToken() != JsonToken.START_ARRAY) {
        throw problem("'" + in.currentName() + "' must be a list");
      }
      while (in.nextToken() == JsonToken.START_OBJECT) {
        Element element = new Element();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
          String field = in.currentName();
          JsonToken value = in.nextToken();
          if (value == JsonToken.VALUE_NUMBER_INT) {
            switch (field) {
              case "id" -> element.id = in.getLongValue();
              case "image_id" -> element.imageId = in.getLongValue();
              case "category_id" -> element.categoryId = in.getLongValue();
              default -> {}
            }
          } else if (value == JsonToken.VALUE_STRING) {
            switch (field) {
              case "name" -> element.name = in.getString();
              case "file_name" -> element.fileName = in.getString();
              default -> {}
            }
          } else {
            in.skipChildren();
          }
        }
        take.element(element);
      }
      if (in.currentToken() != JsonToken.END_ARRAY) {
        throw problem("a list holds something that is not an object");
      }
    }

    private int small(@Nullable Long value, String field) {
      long number = some(value, field);
      if (number != (int) number) {
        throw problem(field + " " + number + " is too large");
      }
      return (int) number;
    }

    private <T> T some(@Nullable T value, String field) {
      if (value == null) {
        throw problem("an element has no valid " + field);
      }
      return value;
    }

    private WispException problem(String what) {
      return TextLines.problem(file, Math.max(1, in.currentTokenLocation().getLineNr()), what);
    }
  }
}
