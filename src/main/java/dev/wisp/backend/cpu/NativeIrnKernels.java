package dev.wisp.backend.cpu;

import static dev.wisp.backend.cpu.NativeKernels.status;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.invoke.MethodHandle;

/** The functions of native/include/wisp.h that IRN needs; see {@link NativeKernels}. */
final class NativeIrnKernels {
  static final MethodHandle GROUP_NORM_FORWARD =
      status(
          "wisp_group_norm_forward",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          JAVA_INT,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle GROUP_NORM_BACKWARD =
      status(
          "wisp_group_norm_backward",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle CROP =
      status(
          "wisp_crop",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle CROP_BACKWARD =
      status(
          "wisp_crop_backward",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle SIGMOID =
      status("wisp_sigmoid", ADDRESS, JAVA_FLOAT, ADDRESS, JAVA_LONG);
  static final MethodHandle SIGMOID_BACKWARD =
      status("wisp_sigmoid_backward", ADDRESS, ADDRESS, JAVA_FLOAT, ADDRESS, JAVA_LONG);
  static final MethodHandle PAIR_COUNTS =
      status(
          "wisp_pair_counts",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_INT,
          ADDRESS);
  static final MethodHandle PATH_AFFINITY_LOSS =
      status(
          "wisp_path_affinity_loss",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_INT,
          ADDRESS,
          ADDRESS,
          ADDRESS);
  static final MethodHandle DISPLACEMENT_LOSS =
      status(
          "wisp_displacement_loss",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_INT,
          ADDRESS,
          ADDRESS,
          ADDRESS);
  static final MethodHandle RANDOM_WALK =
      status(
          "wisp_random_walk",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_FLOAT,
          JAVA_LONG,
          ADDRESS);

  private NativeIrnKernels() {}
}
