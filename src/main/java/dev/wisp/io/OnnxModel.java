package dev.wisp.io;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An ONNX model to be written (onnx.proto of IR version 8, operators of set 17). Weights go to the
 * file as they are read: the model is never in memory whole.
 */
public final class OnnxModel {
  private static final int IR_VERSION = 8;
  private static final int OPERATOR_SET = 17;
  private static final int FLOAT = 1;
  private static final int INT64 = 7;

  /** Field numbers of onnx.proto. */
  private static final int GRAPH_INITIALIZER = 5;

  private static final int MODEL_GRAPH = 7;
  private static final int TENSOR_RAW = 9;

  private final ProtobufMessage graph = new ProtobufMessage();
  private final List<TensorEntry> initializers = new ArrayList<>();
  private final Map<String, String> notes = new LinkedHashMap<>();
  private int nodes;

  /** A graph of that name. */
  public OnnxModel(String name) {
    graph.text(2, name);
  }

  /** Attributes of a node. */
  public static final class Attributes {
    private final List<ProtobufMessage> list = new ArrayList<>();

    private static ProtobufMessage of(String name, int type) {
      ProtobufMessage attribute = new ProtobufMessage();
      attribute.text(1, name);
      attribute.varint(20, type);
      return attribute;
    }

    /** A float. */
    public Attributes number(String name, float value) {
      ProtobufMessage attribute = of(name, 1);
      attribute.fixed32(2, Float.floatToRawIntBits(value));
      list.add(attribute);
      return this;
    }

    /** An integer. */
    public Attributes integer(String name, long value) {
      ProtobufMessage attribute = of(name, 2);
      attribute.varint(3, value);
      list.add(attribute);
      return this;
    }

    /** A string. */
    public Attributes text(String name, String value) {
      ProtobufMessage attribute = of(name, 3);
      attribute.text(4, value);
      list.add(attribute);
      return this;
    }

    /** A list of integers. */
    public Attributes integers(String name, long... values) {
      ProtobufMessage attribute = of(name, 7);
      for (long value : values) {
        attribute.varint(8, value);
      }
      list.add(attribute);
      return this;
    }
  }

  /**
   * Adds an operator; it comes after those that make its inputs.
   *
   * @param inputs names of values; an empty one is an input left out
   * @return the name of its output, which is new
   */
  public String node(String operator, List<String> inputs, Attributes attributes) {
    String output = "value" + nodes++;
    node(operator, inputs, output, attributes);
    return output;
  }

  /** Like {@link #node(String, List, Attributes)} with a given name for its output. */
  public void node(String operator, List<String> inputs, String output, Attributes attributes) {
    ProtobufMessage node = new ProtobufMessage();
    inputs.forEach(input -> node.text(1, input));
    node.text(2, output);
    node.text(4, operator);
    attributes.list.forEach(attribute -> node.message(5, attribute));
    graph.message(1, node);
  }

  /** Adds a weight, F32 or I64, known by its name. */
  public void initializer(TensorEntry entry) {
    initializers.add(entry);
  }

  /**
   * An input of floats.
   *
   * @param sizes numbers, or names of sizes that may be any
   */
  public void input(String name, Object... sizes) {
    graph.message(11, value(name, sizes));
  }

  /** An output of floats; see {@link #input}. */
  public void output(String name, Object... sizes) {
    graph.message(12, value(name, sizes));
  }

  /** A text entry of the file. */
  public void note(String key, String value) {
    notes.put(key, value);
  }

  private static ProtobufMessage value(String name, Object... sizes) {
    ProtobufMessage shape = new ProtobufMessage();
    for (Object size : sizes) {
      ProtobufMessage dimension = new ProtobufMessage();
      if (size instanceof Number number) {
        dimension.varint(1, number.longValue());
      } else {
        dimension.text(2, size.toString());
      }
      shape.message(1, dimension);
    }
    ProtobufMessage tensor = new ProtobufMessage();
    tensor.varint(1, FLOAT);
    tensor.message(2, shape);
    ProtobufMessage type = new ProtobufMessage();
    type.message(1, tensor);
    ProtobufMessage value = new ProtobufMessage();
    value.text(1, name);
    value.message(2, type);
    return value;
  }

  /** A weight's message up to its elements. */
  private static byte[] head(TensorEntry entry) {
    ProtobufMessage tensor = new ProtobufMessage();
    for (long size : entry.shape()) {
      tensor.varint(1, size);
    }
    tensor.varint(2, entry.type() == ElementType.F32 ? FLOAT : INT64);
    tensor.text(8, entry.name());
    tensor.begin(TENSOR_RAW, entry.bytes());
    return tensor.toByteArray();
  }

  /** The beginning of a weight within the graph. */
  private static byte[] begin(TensorEntry entry, byte[] head) {
    ProtobufMessage field = new ProtobufMessage();
    field.begin(GRAPH_INITIALIZER, head.length + entry.bytes());
    return field.toByteArray();
  }

  /** Writes it, whole or not at all. */
  public void write(Path file) {
    byte[] structure = graph.toByteArray();
    long length = structure.length;
    for (TensorEntry entry : initializers) {
      byte[] head = head(entry);
      length += begin(entry, head).length + head.length + entry.bytes();
    }
    if (length > Integer.MAX_VALUE) {
      throw FileErrors.of(file, "a model of more than 2 GiB fits no ONNX file");
    }
    ProtobufMessage model = new ProtobufMessage();
    model.varint(1, IR_VERSION);
    model.text(2, "wisp");
    ProtobufMessage operators = new ProtobufMessage();
    operators.varint(2, OPERATOR_SET);
    model.message(8, operators);
    notes.forEach(
        (key, value) -> {
          ProtobufMessage note = new ProtobufMessage();
          note.text(1, key);
          note.text(2, value);
          model.message(14, note);
        });
    model.begin(MODEL_GRAPH, length);
    AtomicFiles.write(file, out -> write(out, model.toByteArray(), structure));
  }

  private void write(OutputStream out, byte[] model, byte[] structure) throws IOException {
    out.write(model);
    out.write(structure);
    for (TensorEntry entry : initializers) {
      byte[] head = head(entry);
      out.write(begin(entry, head));
      out.write(head);
      entry.writeTo(out);
    }
  }
}
