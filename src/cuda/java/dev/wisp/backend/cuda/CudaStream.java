package dev.wisp.backend.cuda;

import jcuda.driver.CUstream;

/** JCuda's stream, whose handle our launches need. */
final class CudaStream extends CUstream {
  /** The driver's handle. */
  long handle() {
    return getNativePointer();
  }
}
