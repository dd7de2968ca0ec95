package dev.wisp.backend.cpu;

import org.bytedeco.dnnl.dnnl_memory_desc;

/**
 * A memory layout of oneDNN; equal layouts are the same object, see {@link DnnlRuntime#layout}.
 *
 * @param descriptor owned by the runtime
 * @param bytes size of an array in this layout, padding included
 * @param order of weights, where our own kernels know it
 */
record DnnlLayout(dnnl_memory_desc descriptor, long bytes, WeightOrder order) {
  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
