package dev.wisp.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/** The checked header of a safetensors file. */
record SafetensorsHeader(Map<String, Entry> tensors, Map<String, String> metadata) {
  static final String METADATA = "__metadata__";
  private static final int HIGHEST_RANK = 32;
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /** One tensor: bytes {@code begin} to {@code end} of the data hold {@code count} elements. */
  @SuppressWarnings("ArrayRecordComponent")
  record Entry(ElementType type, long[] shape, long count, long begin, long end) {}

  /**
   * Reads and checks a header: known types, sizes that agree with the shapes, and tensors that
   * cover the data exactly, without overlap or gap (so a file has one meaning).
   */
  static SafetensorsHeader parse(Path path, byte[] json, long dataLength) {
    try (JsonParser in = JSON.createParser(ObjectReadContext.empty(), json)) {
      SafetensorsHeader header = new Reading(path, in).read();
      header.checkCover(path, dataLength);
      return header;
    } catch (JacksonException e) {
      throw FileErrors.of(path, "malformed header: " + e.getOriginalMessage(), e);
    }
  }

  private void checkCover(Path path, long dataLength) {
    List<Map.Entry<String, Entry>> order = new ArrayList<>(tensors.entrySet());
    order.sort(
        Comparator.<Map.Entry<String, Entry>>comparingLong(e -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long covered = 0;
    for (Map.Entry<String, Entry> e : order) {
      Entry tensor = e.getValue();
      if (tensor.end() > dataLength) {
        throw FileErrors.of(
            path,
            "truncated: tensor '"
                + e.getKey()
                + "' ends at byte "
                + tensor.end()
                + " of the data, the file holds "
                + dataLength);
      }
      if (tensor.begin() < covered) {
        throw FileErrors.of(path, "tensor '" + e.getKey() + "' overlaps another");
      }
      if (tensor.begin() > covered) {
        throw FileErrors.of(path, "unused bytes before tensor '" + e.getKey() + "'");
      }
      covered = tensor.end();
    }
    if (covered != dataLength) {
      throw FileErrors.of(path, (dataLength - covered) + " unused bytes after the last tensor");
    }
  }

  /** One pass over the header's tokens. */
  private record Reading(Path path, JsonParser in) {
    SafetensorsHeader read() {
      Map<String, Entry> tensors = new LinkedHashMap<>();
      Map<String, String> metadata = new LinkedHashMap<>();
      expect(in.nextToken(), JsonToken.START_OBJECT, "the header");
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        expect(in.nextToken(), JsonToken.START_OBJECT, "entry '" + name + "'");
        if (name.equals(METADATA)) {
          readMetadata(metadata);
        } else {
          tensors.put(name, readTensor(name));
        }
      }
      if (in.nextToken() != null) {
        throw FileErrors.of(path, "malformed header: something follows its closing brace");
      }
      return new SafetensorsHeader(tensors, Collections.unmodifiableMap(metadata));
    }

    private void readMetadata(Map<String, String> metadata) {
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String key = in.currentName();
        expect(in.nextToken(), JsonToken.VALUE_STRING, "metadata '" + key + "'");
        metadata.put(key, in.getString());
      }
    }

    private Entry readTensor(String name) {
      String type = null;
      long[] shape = null;
      long[] offsets = null;
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        switch (in.currentName()) {
          case "dtype" -> {
            expect(in.nextToken(), JsonToken.VALUE_STRING, "dtype of '" + name + "'");
            type = in.getString();
          }
          case "shape" -> shape = readSizes(name);
          case "data_offsets" -> offsets = readSizes(name);
          case String other ->
              throw FileErrors.of(
                  path, "tensor '" + name + "' has an unknown entry '" + other + "'");
        }
      }
      if (type == null || shape == null || offsets == null || offsets.length != 2) {
        throw FileErrors.of(
            path, "tensor '" + name + "' needs a dtype, a shape and two data_offsets");
      }
      return check(name, type, shape, offsets[0], offsets[1]);
    }

    private Entry check(String name, String typeName, long[] shape, long begin, long end) {
      ElementType type;
      try {
        type = ElementType.valueOf(typeName);
      } catch (IllegalArgumentException e) {
        throw FileErrors.of(
            path, "tensor '" + name + "' has an element type that is not known: " + typeName);
      }
      long count = 1;
      long size;
      try {
        for (long length : shape) {
          count = Math.multiplyExact(count, length);
        }
        size = Math.multiplyExact(count, type.bytes());
      } catch (ArithmeticException e) {
        throw FileErrors.of(path, "tensor '" + name + "' is larger than any memory");
      }
      if (begin > end || end - begin != size) {
        throw FileErrors.of(
            path,
            "tensor '"
                + name
                + "' needs "
                + size
                + " bytes, its offsets give "
                + begin
                + " to "
                + end);
      }
      return new Entry(type, shape, count, begin, end);
    }

    /** An array of whole numbers that are not negative. */
    private long[] readSizes(String name) {
      expect(in.nextToken(), JsonToken.START_ARRAY, "shape or data_offsets of '" + name + "'");
      long[] sizes = new long[HIGHEST_RANK];
      int n = 0;
      while (in.nextToken() == JsonToken.VALUE_NUMBER_INT) {
        if (n == HIGHEST_RANK) {
          throw FileErrors.of(path, "tensor '" + name + "' has more than 32 dimensions");
        }
        sizes[n] = in.getLongValue();
        if (sizes[n++] < 0) {
          throw FileErrors.of(path, "tensor '" + name + "' has a negative size or offset");
        }
      }
      expect(in.currentToken(), JsonToken.END_ARRAY, "shape or data_offsets of '" + name + "'");
      return Arrays.copyOf(sizes, n);
    }

    private void expect(@Nullable JsonToken found, JsonToken wanted, String what) {
      if (found != wanted) {
        throw FileErrors.of(path, "malformed header: " + what + " is not " + describe(wanted));
      }
    }

    private static String describe(JsonToken wanted) {
      return switch (wanted) {
        case START_OBJECT -> "an object";
        case VALUE_STRING -> "a string";
        default -> "a list of whole numbers";
      };
    }
  }
}
