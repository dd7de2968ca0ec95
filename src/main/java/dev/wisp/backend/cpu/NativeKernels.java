package dev.wisp.backend.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of native/include/wisp.h, one handle each, to be used with {@code invokeExact}
 * inside {@link Call#run}. Its class initialiser needs a loaded {@link NativeLibrary}.
 */
final class NativeKernels {
  static final MethodHandle ISA = status("wisp_isa", ADDRESS);
  static final MethodHandle SET_THREADS = status("wisp_set_threads", JAVA_INT);
  static final MethodHandle THREADS = status("wisp_threads");
  static final MethodHandle ALLOC = status("wisp_alloc", JAVA_LONG, ADDRESS);
  static final MethodHandle FREE = action("wisp_free", ADDRESS);
  private static final MethodHandle ERROR_MESSAGE = pointer("wisp_error_message");

  static final MethodHandle FILL = status("wisp_fill", ADDRESS, JAVA_FLOAT, JAVA_LONG);
  static final MethodHandle COPY = status("wisp_copy", ADDRESS, ADDRESS, JAVA_LONG);
  static final MethodHandle ADD_SCALED =
      status("wisp_add_scaled", JAVA_FLOAT, ADDRESS, ADDRESS, JAVA_LONG);
  static final MethodHandle SCALE = status("wisp_scale", ADDRESS, ADDRESS, JAVA_LONG);
  static final MethodHandle RELU = status("wisp_relu", ADDRESS, ADDRESS, JAVA_LONG);
  static final MethodHandle RELU_BACKWARD =
      status("wisp_relu_backward", ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG);
  static final MethodHandle ADD_MIRRORED =
      status("wisp_add_mirrored", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  static final MethodHandle DENORMALIZE =
      status("wisp_denormalize", ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG);
  static final MethodHandle SPATIAL_MEAN =
      status("wisp_spatial_mean", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  static final MethodHandle SPATIAL_MEAN_BACKWARD =
      status("wisp_spatial_mean_backward", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  static final MethodHandle SOFT_MARGIN_LOSS =
      status("wisp_soft_margin_loss", ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG);
  static final MethodHandle MEAN_ABSOLUTE_DIFFERENCE =
      status(
          "wisp_mean_absolute_difference",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_DOUBLE,
          ADDRESS,
          ADDRESS);
  static final MethodHandle BATCH_NORM_FORWARD =
      status(
          "wisp_batch_norm_forward",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          JAVA_INT,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle BATCH_NORM_BACKWARD =
      status(
          "wisp_batch_norm_backward",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle BATCH_NORM_UPDATE =
      status(
          "wisp_batch_norm_update",
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          JAVA_LONG,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS,
          JAVA_LONG);
  static final MethodHandle L2_NORMALIZE =
      status("wisp_l2_normalize", ADDRESS, JAVA_FLOAT, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG);
  static final MethodHandle L2_NORMALIZE_BACKWARD =
      status(
          "wisp_l2_normalize_backward",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle RESIZE_BILINEAR =
      status(
          "wisp_resize_bilinear",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_INT);
  static final MethodHandle RESIZE_BILINEAR_BACKWARD =
      status(
          "wisp_resize_bilinear_backward",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_INT);
  static final MethodHandle CAM_TO_MAPS =
      status(
          "wisp_cam_to_maps",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle CAM_TO_MAPS_BACKWARD =
      status(
          "wisp_cam_to_maps_backward",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle NORMALIZE_MAPS =
      status(
          "wisp_normalize_maps",
          ADDRESS,
          JAVA_INT,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle NORMALIZE_MAPS_BACKWARD =
      status(
          "wisp_normalize_maps_backward",
          ADDRESS,
          JAVA_INT,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle ARGMAX_MAPS =
      status(
          "wisp_argmax_maps",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle LIMIT_SEEDS =
      status(
          "wisp_limit_seeds",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle GRADIENT_NORM =
      status("wisp_gradient_norm", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
  static final MethodHandle SGD_STEP =
      status(
          "wisp_sgd_step",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          JAVA_FLOAT,
          JAVA_FLOAT,
          JAVA_INT);
  static final MethodHandle UPDATE_LOSS_SCALE =
      status("wisp_update_loss_scale", ADDRESS, ADDRESS, JAVA_INT);
  static final MethodHandle PACK_WEIGHTS =
      status(
          "wisp_pack_weights",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle TURN_WEIGHTS =
      status(
          "wisp_turn_weights",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle UNPACK_TILES =
      status("wisp_unpack_tiles", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  static final MethodHandle FOLD_NORM =
      status(
          "wisp_fold_norm",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS,
          JAVA_LONG);
  static final MethodHandle FOLD_NORM_BACKWARD =
      status(
          "wisp_fold_norm_backward",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle MAX_POOL =
      status(
          "wisp_max_pool", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  static final MethodHandle MAX_POOL_BACKWARD =
      status(
          "wisp_max_pool_backward",
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);

  static final MethodHandle STRUCTURE_SEEDS =
      status(
          "wisp_structure_seeds",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_INT,
          ADDRESS,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS);
  static final MethodHandle PROTOTYPES =
      status(
          "wisp_prototypes",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_INT,
          ADDRESS);
  static final MethodHandle PROTOTYPES_BACKWARD =
      status(
          "wisp_prototypes_backward",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          JAVA_INT,
          ADDRESS);
  static final MethodHandle REACTIVATE =
      status(
          "wisp_reactivate",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS);
  static final MethodHandle REACTIVATE_BACKWARD =
      status(
          "wisp_reactivate_backward",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS,
          ADDRESS);

  static final MethodHandle LATTICE_FILTER =
      status(
          "wisp_lattice_filter",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_FLOAT,
          JAVA_FLOAT,
          ADDRESS,
          JAVA_LONG,
          ADDRESS);
  static final MethodHandle DENSE_CRF =
      status(
          "wisp_dense_crf",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_FLOAT,
          JAVA_FLOAT,
          JAVA_FLOAT,
          JAVA_FLOAT,
          JAVA_FLOAT,
          ADDRESS);
  static final MethodHandle PAMR_AFFINITY =
      status(
          "wisp_pamr_affinity",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          JAVA_LONG,
          JAVA_FLOAT,
          ADDRESS,
          ADDRESS,
          ADDRESS);
  static final MethodHandle PAMR_STEPS =
      status(
          "wisp_pamr_steps",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          JAVA_LONG,
          ADDRESS,
          ADDRESS);

  static final MethodHandle PIXEL_CROSS_ENTROPY =
      status(
          "wisp_pixel_cross_entropy",
          ADDRESS,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          ADDRESS);
  static final MethodHandle ADD_PROBABILITIES = resized("wisp_add_probabilities");
  static final MethodHandle ARGMAX_LOGITS = resized("wisp_argmax_logits");
  static final MethodHandle DROPOUT =
      status(
          "wisp_dropout", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_FLOAT, ADDRESS);

  static final MethodHandle PILLOW_BICUBIC =
      status(
          "wisp_pillow_bicubic",
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG);
  static final MethodHandle PILLOW_NEAREST =
      status("wisp_pillow_nearest", ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG);

  private NativeKernels() {}

  /** The reason of the calling thread's last failure. */
  static String errorMessage() {
    try {
      MemorySegment text = (MemorySegment) ERROR_MESSAGE.invokeExact();
      return text.reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_error_message", impossible);
    }
  }

  /** A function of the library that returns a status. */
  static MethodHandle status(String name, MemoryLayout... arguments) {
    return handle(name, FunctionDescriptor.of(JAVA_INT, arguments));
  }

  /** Scores, their six sizes, and what is made of them. */
  private static MethodHandle resized(String name) {
    return status(
        name, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);
  }

  private static MethodHandle pointer(String name, MemoryLayout... arguments) {
    return handle(name, FunctionDescriptor.of(ADDRESS, arguments));
  }

  private static MethodHandle action(String name, MemoryLayout... arguments) {
    return handle(name, FunctionDescriptor.ofVoid(arguments));
  }

  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(NativeLibrary.symbol(name), descriptor);
  }
}
