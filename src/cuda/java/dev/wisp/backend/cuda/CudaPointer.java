package dev.wisp.backend.cuda;

import jcuda.driver.CUdeviceptr;

/** JCuda's device pointer, whose address our launches need. */
final class CudaPointer extends CUdeviceptr {
  /** The address on the device. */
  long address() {
    return getNativePointer() + getByteOffset();
  }
}
