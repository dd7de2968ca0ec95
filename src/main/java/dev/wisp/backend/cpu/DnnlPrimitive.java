package dev.wisp.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * A compiled primitive with its argument list: memory objects are made once, a call only sets their
 * addresses. The caller keeps whatever is behind an address alive until {@link #execute} returns.
 */
final class DnnlPrimitive implements AutoCloseable {
  /** The description of one argument; {@code descriptor} is copied by oneDNN. */
  record Argument(int id, dnnl_memory_desc descriptor) {}

  private final DnnlRuntime runtime;
  private final String what;
  private final String implementation;
  private final long scratchBytes;
  private final DnnlLayout weights;
  private final dnnl_primitive primitive = new dnnl_primitive();
  private final List<dnnl_memory> memories = new ArrayList<>();
  private final dnnl_exec_arg_t arguments;
  private final Address address = new Address();

  /** A pointer whose address can be set without a new object. */
  private static final class Address extends Pointer {
    Address at(long value) {
      this.address = value;
      return this;
    }
  }

  /**
   * @param what operation and shapes, for messages
   * @param recipe borrowed
   * @param arguments every argument but the scratchpad, in the order of {@link #execute}'s
   *     addresses
   * @param weights the layout the primitive wants for its weights, read or written
   */
  DnnlPrimitive(
      DnnlRuntime runtime,
      String what,
      dnnl_primitive_desc recipe,
      List<Argument> arguments,
      DnnlLayout weights) {
    this.runtime = runtime;
    this.what = what;
    this.weights = weights;
    DnnlRuntime.check(dnnl_primitive_create(primitive, recipe), what);
    PointerPointer<BytePointer> text = new PointerPointer<>(1);
    DnnlRuntime.check(dnnl_primitive_desc_query(recipe, dnnl_query_impl_info_str, 0, text), what);
    this.implementation = new BytePointer(text.get(0)).getString();
    text.deallocate();
    dnnl_memory_desc scratch = dnnl_primitive_desc_query_md(recipe, dnnl_query_scratchpad_md, 0);
    this.scratchBytes = dnnl_memory_desc_get_size(scratch);
    this.arguments = new dnnl_exec_arg_t(arguments.size() + 1L);
    for (Argument argument : arguments) {
      add(argument.id(), argument.descriptor());
    }
    add(DNNL_ARG_SCRATCHPAD, scratch);
    this.arguments.position(0);
  }

  private void add(int id, dnnl_memory_desc descriptor) {
    dnnl_memory memory = new dnnl_memory();
    DnnlRuntime.check(dnnl_memory_create(memory, descriptor, runtime.engine, address.at(0)), what);
    arguments.position(memories.size()).arg(id).memory(memory);
    memories.add(memory);
  }

  /** Creates the primitive and destroys the recipe and its attributes. */
  static DnnlPrimitive of(
      DnnlRuntime runtime,
      String what,
      dnnl_primitive_desc recipe,
      dnnl_primitive_attr attributes,
      List<Argument> arguments,
      DnnlLayout weights) {
    try {
      return new DnnlPrimitive(runtime, what, recipe, arguments, weights);
    } finally {
      dnnl_primitive_desc_destroy(recipe);
      dnnl_primitive_attr_destroy(attributes);
    }
  }

  /** Bytes of scratch memory an execution needs. */
  long scratchBytes() {
    return scratchBytes;
  }

  DnnlLayout weights() {
    return weights;
  }

  /** The name oneDNN gives the code it chose, {@code brgconv_1x1:avx512_core}. */
  String implementation() {
    return implementation;
  }

  /** Operation and shapes. */
  String what() {
    return what;
  }

  /**
   * Runs to completion.
   *
   * @param scratch address of {@link #scratchBytes} bytes
   * @param addresses one per argument, in the order given at creation
   */
  void execute(long scratch, long... addresses) {
    int last = memories.size() - 1;
    if (addresses.length != last) {
      throw new IllegalArgumentException(
          "%s takes %d addresses, not %d".formatted(what, last, addresses.length));
    }
    for (int i = 0; i < last; i++) {
      dnnl_memory_set_data_handle(memories.get(i), address.at(addresses[i]));
    }
    dnnl_memory_set_data_handle(memories.get(last), address.at(scratch));
    DnnlRuntime.check(
        dnnl_primitive_execute(primitive, runtime.stream, memories.size(), arguments), what);
    DnnlRuntime.check(dnnl_stream_wait(runtime.stream), what);
  }

  @Override
  public void close() {
    dnnl_primitive_destroy(primitive);
    memories.forEach(dnnl_memory -> org.bytedeco.dnnl.global.dnnl.dnnl_memory_destroy(dnnl_memory));
    memories.clear();
    arguments.deallocate();
  }
}
