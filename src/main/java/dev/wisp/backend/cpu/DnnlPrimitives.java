package dev.wisp.backend.cpu;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiled primitives by what they compute, the least recently used dropped first: photographs of
 * free sizes at four scales would otherwise collect code without end.
 */
final class DnnlPrimitives implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DnnlPrimitives.class);

  private final Map<Object, DnnlPrimitive> primitives = new LinkedHashMap<>(64, 0.75f, true);
  private final int capacity;
  private long created;
  private long evicted;
  private long nanos;

  DnnlPrimitives(int capacity) {
    this.capacity = capacity;
  }

  /** The primitive of this key, compiled now if it is not at hand. */
  DnnlPrimitive get(Object key, Supplier<DnnlPrimitive> maker) {
    DnnlPrimitive known = primitives.get(key);
    if (known != null) {
      return known;
    }
    while (primitives.size() >= capacity) {
      var eldest = primitives.entrySet().iterator();
      DnnlPrimitive dropped = eldest.next().getValue();
      eldest.remove();
      dropped.close();
      evicted++;
    }
    long start = System.nanoTime();
    DnnlPrimitive made = maker.get();
    long took = System.nanoTime() - start;
    nanos += took;
    created++;
    primitives.put(key, made);
    LOG.debug("{} by {}: compiled in {} us", made.what(), made.implementation(), took / 1000);
    return made;
  }

  int size() {
    return primitives.size();
  }

  long created() {
    return created;
  }

  long evicted() {
    return evicted;
  }

  /** Time spent compiling so far. */
  long nanos() {
    return nanos;
  }

  @Override
  public void close() {
    primitives.values().forEach(DnnlPrimitive::close);
    primitives.clear();
  }
}
