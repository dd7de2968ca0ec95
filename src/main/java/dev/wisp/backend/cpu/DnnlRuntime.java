package dev.wisp.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.wisp.tensor.WispOutOfMemory;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.dnnl_version_t;

/**
 * oneDNN's engine and stream, memory layouts and error codes. One per backend, used on its compute
 * thread only; nothing here may be touched before the OpenMP environment is set.
 */
final class DnnlRuntime implements AutoCloseable {
  final dnnl_engine engine = new dnnl_engine();
  final dnnl_stream stream = new dnnl_stream();
  private final List<DnnlLayout> layouts = new ArrayList<>();

  DnnlRuntime() {
    check(dnnl_engine_create(engine, dnnl_cpu, 0), "creating the CPU engine");
    check(dnnl_stream_create(stream, engine, dnnl_stream_default_flags), "creating the stream");
    // oneDNN's own cache would keep what DnnlPrimitives has evicted.
    check(dnnl_set_primitive_cache_capacity(0), "turning oneDNN's primitive cache off");
  }

  /** The library's version, {@code 3.11.0}. */
  static String version() {
    dnnl_version_t version = dnnl_version();
    return version.major() + "." + version.minor() + "." + version.patch();
  }

  /**
   * Turns a status into an exception.
   *
   * @param what operation and shapes, for the message
   */
  static void check(int status, String what) {
    if (status == dnnl_success) {
      return;
    }
    if (status == dnnl_out_of_memory) {
      throw new WispOutOfMemory("oneDNN has no memory left: " + what);
    }
    throw new IllegalStateException(
        "oneDNN refused (%s): %s".formatted(DnnlStatus.name(status), what));
  }

  /** A float32 descriptor in one of oneDNN's named formats; the caller destroys it. */
  static dnnl_memory_desc descriptor(int tag, long... sizes) {
    dnnl_memory_desc result = new dnnl_memory_desc();
    check(
        dnnl_memory_desc_create_with_tag(result, sizes.length, sizes, dnnl_f32, tag),
        "describing memory");
    return result;
  }

  /**
   * Attributes of every primitive: scratch memory from our pool, no reduced precision whatever the
   * environment asks for, and a fixed order of sums. The caller destroys them.
   */
  static dnnl_primitive_attr attributes() {
    dnnl_primitive_attr attributes = new dnnl_primitive_attr();
    check(dnnl_primitive_attr_create(attributes), "creating attributes");
    check(
        dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
        "setting the scratchpad mode");
    check(
        dnnl_primitive_attr_set_fpmath_mode(attributes, dnnl_fpmath_mode_strict),
        "setting the precision");
    check(dnnl_primitive_attr_set_deterministic(attributes, 1), "asking for equal bits");
    return attributes;
  }

  /**
   * The one object that stands for this layout, so that layouts can be compared by identity. Lives
   * until the runtime closes; a network has few distinct ones.
   *
   * @param descriptor borrowed
   */
  DnnlLayout layout(dnnl_memory_desc descriptor) {
    for (DnnlLayout known : layouts) {
      if (dnnl_memory_desc_equal(known.descriptor(), descriptor) != 0) {
        return known;
      }
    }
    dnnl_memory_desc copy = new dnnl_memory_desc();
    check(dnnl_memory_desc_clone(copy, descriptor), "copying a description of memory");
    DnnlLayout added = new DnnlLayout(copy, dnnl_memory_desc_get_size(copy), WeightOrder.of(copy));
    layouts.add(added);
    return added;
  }

  /** The layout of convolution weights {@code [O, I, kH, kW]} in row-major order. */
  DnnlLayout plainWeights(long out, long in, long kernel) {
    dnnl_memory_desc descriptor = descriptor(dnnl_oihw, out, in, kernel, kernel);
    try {
      return layout(descriptor);
    } finally {
      dnnl_memory_desc_destroy(descriptor);
    }
  }

  @Override
  public void close() {
    layouts.forEach(layout -> dnnl_memory_desc_destroy(layout.descriptor()));
    layouts.clear();
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
  }
}
