package dev.wisp.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.wisp.backend.ConvSpec;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;

/**
 * Builds the convolution primitives: activations in NHWC, weights in the layout oneDNN likes best,
 * direct algorithm (Winograd would change the rounding).
 */
final class DnnlRecipes {
  private final DnnlRuntime runtime;

  /** What the pass computes. */
  enum Pass {
    FORWARD,
    BACKWARD_DATA,
    BACKWARD_WEIGHTS
  }

  /** Where the forward pass finds the residual. */
  enum Residual {
    NONE,
    APART,
    /** In the output, which it gives way to. */
    IN_PLACE
  }

  /**
   * A convolution on images of one size, the key of its primitive.
   *
   * @param bias forward: bias added; backward weights: bias gradient wanted
   */
  record Case(
      Pass pass,
      ConvSpec spec,
      long n,
      long h,
      long w,
      boolean bias,
      Residual residual,
      boolean relu) {
    @Override
    public String toString() {
      return "convolution %s of [%d, %d, %d, %d] by %s%s%s%s"
          .formatted(
              pass,
              n,
              h,
              w,
              spec.inChannels(),
              spec,
              bias ? " +bias" : "",
              switch (residual) {
                case NONE -> "";
                case APART -> " +residual";
                case IN_PLACE -> " +residual in place";
              },
              relu ? " +relu" : "");
    }
  }

  /** A rearrangement of weights, the key of its primitive. */
  record Rearrangement(ConvSpec spec, DnnlLayout from, DnnlLayout to, boolean scaled) {
    @Override
    public String toString() {
      return "rearrangement of the weights of " + spec + (scaled ? " with scale" : "");
    }
  }

  DnnlRecipes(DnnlRuntime runtime) {
    this.runtime = runtime;
  }

  /**
   * The primitive of a convolution. Order of addresses: forward x, weights, y, then bias and
   * residual where there are any, but no residual in place; backward data dy, weights, dx; backward
   * weights x, dy, dw, then db where wanted.
   */
  DnnlPrimitive convolution(Case c) {
    try (Shapes shapes = new Shapes(c)) {
      return switch (c.pass()) {
        case FORWARD -> forward(c, shapes);
        case BACKWARD_DATA -> backwardData(c, shapes);
        case BACKWARD_WEIGHTS -> backwardWeights(c, shapes);
      };
    }
  }

  private DnnlPrimitive forward(Case c, Shapes shapes) {
    dnnl_primitive_attr attributes = postOps(c, shapes);
    dnnl_primitive_desc recipe = forwardRecipe(c, shapes, attributes);
    dnnl_memory_desc weights = dnnl_primitive_desc_query_md(recipe, dnnl_query_weights_md, 0);
    List<DnnlPrimitive.Argument> arguments = new ArrayList<>();
    arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_SRC, shapes.x));
    arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_WEIGHTS, weights));
    arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_DST, shapes.y));
    if (c.bias()) {
      arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_BIAS, shapes.channels));
    }
    if (c.residual() == Residual.APART) {
      arguments.add(
          new DnnlPrimitive.Argument(
              DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE | DNNL_ARG_SRC_1, shapes.y));
    }
    return DnnlPrimitive.of(
        runtime, c.toString(), recipe, attributes, arguments, runtime.layout(weights));
  }

  /** A residual apart is a binary post-op: {@code sum} would overwrite what backward needs. */
  private static dnnl_primitive_attr postOps(Case c, Shapes shapes) {
    dnnl_primitive_attr attributes = DnnlRuntime.attributes();
    if (c.residual() != Residual.NONE || c.relu()) {
      dnnl_post_ops ops = new dnnl_post_ops();
      DnnlRuntime.check(dnnl_post_ops_create(ops), c.toString());
      switch (c.residual()) {
        case NONE -> {}
        case APART ->
            DnnlRuntime.check(
                dnnl_post_ops_append_binary(ops, dnnl_binary_add, shapes.y), c.toString());
        case IN_PLACE ->
            DnnlRuntime.check(dnnl_post_ops_append_sum(ops, 1, 0, dnnl_f32), c.toString());
      }
      if (c.relu()) {
        DnnlRuntime.check(dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0), c.toString());
      }
      DnnlRuntime.check(dnnl_primitive_attr_set_post_ops(attributes, ops), c.toString());
      dnnl_post_ops_destroy(ops);
    }
    return attributes;
  }

  private dnnl_primitive_desc forwardRecipe(Case c, Shapes shapes, dnnl_primitive_attr attributes) {
    dnnl_primitive_desc recipe = new dnnl_primitive_desc();
    DnnlRuntime.check(
        dnnl_convolution_forward_primitive_desc_create(
            recipe,
            runtime.engine,
            c.pass() == Pass.FORWARD ? dnnl_forward_inference : dnnl_forward_training,
            dnnl_convolution_direct,
            shapes.x,
            shapes.weights,
            c.bias() ? shapes.channels : null,
            shapes.y,
            shapes.stride,
            shapes.dilation,
            shapes.padding,
            shapes.padding,
            attributes),
        c.toString());
    return recipe;
  }

  private DnnlPrimitive backwardData(Case c, Shapes shapes) {
    dnnl_primitive_attr attributes = DnnlRuntime.attributes();
    dnnl_primitive_desc hint = forwardRecipe(c, shapes, attributes);
    dnnl_primitive_desc recipe = new dnnl_primitive_desc();
    DnnlRuntime.check(
        dnnl_convolution_backward_data_primitive_desc_create(
            recipe,
            runtime.engine,
            dnnl_convolution_direct,
            shapes.x,
            shapes.weights,
            shapes.y,
            shapes.stride,
            shapes.dilation,
            shapes.padding,
            shapes.padding,
            hint,
            attributes),
        c.toString());
    dnnl_primitive_desc_destroy(hint);
    dnnl_memory_desc weights = dnnl_primitive_desc_query_md(recipe, dnnl_query_weights_md, 0);
    return DnnlPrimitive.of(
        runtime,
        c.toString(),
        recipe,
        attributes,
        List.of(
            new DnnlPrimitive.Argument(DNNL_ARG_DIFF_DST, shapes.y),
            new DnnlPrimitive.Argument(DNNL_ARG_WEIGHTS, weights),
            new DnnlPrimitive.Argument(DNNL_ARG_DIFF_SRC, shapes.x)),
        runtime.layout(weights));
  }

  private DnnlPrimitive backwardWeights(Case c, Shapes shapes) {
    dnnl_primitive_attr attributes = DnnlRuntime.attributes();
    dnnl_primitive_desc hint = forwardRecipe(c, shapes, attributes);
    dnnl_primitive_desc recipe = new dnnl_primitive_desc();
    DnnlRuntime.check(
        dnnl_convolution_backward_weights_primitive_desc_create(
            recipe,
            runtime.engine,
            dnnl_convolution_direct,
            shapes.x,
            shapes.weights,
            c.bias() ? shapes.channels : null,
            shapes.y,
            shapes.stride,
            shapes.dilation,
            shapes.padding,
            shapes.padding,
            hint,
            attributes),
        c.toString());
    dnnl_primitive_desc_destroy(hint);
    dnnl_memory_desc weights = dnnl_primitive_desc_query_md(recipe, dnnl_query_diff_weights_md, 0);
    List<DnnlPrimitive.Argument> arguments = new ArrayList<>();
    arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_SRC, shapes.x));
    arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_DIFF_DST, shapes.y));
    arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_DIFF_WEIGHTS, weights));
    if (c.bias()) {
      arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_DIFF_BIAS, shapes.channels));
    }
    return DnnlPrimitive.of(
        runtime, c.toString(), recipe, attributes, arguments, runtime.layout(weights));
  }

  /** Order of addresses: from, to, then the scale per output channel where there is one. */
  DnnlPrimitive rearrangement(Rearrangement r) {
    String what = r.toString();
    dnnl_primitive_attr attributes = DnnlRuntime.attributes();
    List<DnnlPrimitive.Argument> arguments = new ArrayList<>();
    arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_FROM, r.from().descriptor()));
    arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_TO, r.to().descriptor()));
    dnnl_memory_desc scale = DnnlRuntime.descriptor(dnnl_x, r.spec().outChannels());
    if (r.scaled()) {
      int outChannelAxis = 1;
      DnnlRuntime.check(
          dnnl_primitive_attr_set_scales_mask(attributes, DNNL_ARG_FROM, outChannelAxis), what);
      arguments.add(new DnnlPrimitive.Argument(DNNL_ARG_ATTR_SCALES | DNNL_ARG_FROM, scale));
    }
    dnnl_primitive_desc recipe = new dnnl_primitive_desc();
    DnnlRuntime.check(
        dnnl_reorder_primitive_desc_create(
            recipe,
            r.from().descriptor(),
            runtime.engine,
            r.to().descriptor(),
            runtime.engine,
            attributes),
        what);
    try {
      return DnnlPrimitive.of(runtime, what, recipe, attributes, arguments, r.to());
    } finally {
      dnnl_memory_desc_destroy(scale);
    }
  }

  /** Descriptors of one case, destroyed together. */
  private static final class Shapes implements AutoCloseable {
    final dnnl_memory_desc x;
    final dnnl_memory_desc y;
    final dnnl_memory_desc weights;
    final dnnl_memory_desc channels;
    final long[] stride;
    final long[] dilation;
    final long[] padding;

    Shapes(Case c) {
      ConvSpec spec = c.spec();
      x = DnnlRuntime.descriptor(dnnl_nhwc, c.n(), spec.inChannels(), c.h(), c.w());
      y =
          DnnlRuntime.descriptor(
              dnnl_nhwc, c.n(), spec.outChannels(), spec.outSize(c.h()), spec.outSize(c.w()));
      weights =
          DnnlRuntime.descriptor(
              dnnl_format_tag_any,
              spec.outChannels(),
              spec.inChannels(),
              spec.kernel(),
              spec.kernel());
      channels = DnnlRuntime.descriptor(dnnl_x, spec.outChannels());
      stride = new long[] {spec.stride(), spec.stride()};
      // oneDNN counts the gaps between taps.
      dilation = new long[] {spec.dilation() - 1, spec.dilation() - 1};
      padding = new long[] {spec.padding(), spec.padding()};
    }

    @Override
    public void close() {
      dnnl_memory_desc_destroy(x);
      dnnl_memory_desc_destroy(y);
      dnnl_memory_desc_destroy(weights);
      dnnl_memory_desc_destroy(channels);
    }
  }
}
