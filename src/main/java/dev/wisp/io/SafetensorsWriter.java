package dev.wisp.io;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** Lays a safetensors file out and writes it. */
final class SafetensorsWriter {
  private static final JsonFactory JSON = new JsonFactory();

  private SafetensorsWriter() {}

  static void write(Path path, List<TensorEntry> entries, Map<String, String> metadata) {
    Set<String> names = new HashSet<>();
    for (TensorEntry entry : entries) {
      if (!names.add(entry.name()) || entry.name().equals(SafetensorsHeader.METADATA)) {
        throw new IllegalArgumentException(
            "safetensors: the name '" + entry.name() + "' is taken: " + path);
      }
    }
    // Widest elements first keeps every tensor aligned for readers that map the file.
    List<TensorEntry> order = new ArrayList<>(entries);
    order.sort(Comparator.comparingInt(entry -> -entry.type().bytes()));
    byte[] header = header(order, metadata);
    AtomicFiles.write(
        path,
        out -> {
          out.write(
              ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
          out.write(header);
          for (TensorEntry entry : order) {
            entry.writeTo(out);
          }
        });
  }

  private static byte[] header(List<TensorEntry> order, Map<String, String> metadata) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectPropertyStart(SafetensorsHeader.METADATA);
        metadata.forEach(json::writeStringProperty);
        json.writeEndObject();
      }
      long offset = 0;
      for (TensorEntry entry : order) {
        long end = Math.addExact(offset, Math.multiplyExact(entry.count(), entry.type().bytes()));
        json.writeObjectPropertyStart(entry.name());
        json.writeStringProperty("dtype", entry.type().name());
        json.writeName("shape");
        long[] shape = entry.shape();
        json.writeArray(shape, 0, shape.length);
        json.writeName("data_offsets");
        json.writeArray(new long[] {offset, end}, 0, 2);
        json.writeEndObject();
        offset = end;
      }
      json.writeEndObject();
    }
    while (bytes.size() % 8 != 0) {
      bytes.write(' ');
    }
    return bytes.toByteArray();
  }
}
