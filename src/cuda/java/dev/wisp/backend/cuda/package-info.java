/**
 * The CUDA backend: the project's kernels in {@code cuda/}, compiled by NVRTC at run time and
 * launched through the driver. Devices, memory, streams and events go through JCuda; modules,
 * functions and launches through the foreign function interface.
 */
@NullMarked
package dev.wisp.backend.cuda;

import org.jspecify.annotations.NullMarked;
