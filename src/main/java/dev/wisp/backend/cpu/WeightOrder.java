package dev.wisp.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.Arrays;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Orders of convolution weights that our own kernels read and write; oneDNN's generic rearrangement
 * between them is several times slower (docs/convolutions.md).
 *
 * @param block channels in one block of the outermost dimension
 */
record WeightOrder(Kind kind, long block) {
  /** What lies where. */
  enum Kind {
    /** {@code [O, I, kH, kW]}. */
    PLAIN,
    /** {@code [ceil(O / block), kH, kW, I, block]}, padded with zeros. */
    OUT_BLOCKS,
    /** {@code [ceil(I / block), kH, kW, O, block]}, padded with zeros. */
    IN_BLOCKS,
    /** {@code [O / 16, I / 16, kH, kW, 16 of I, 16 of O]}. */
    TILES,
    /** Anything else: left to oneDNN. */
    OTHER
  }

  /** {@code WISP_WEIGHT_TILE} of wisp.h. */
  private static final int TILE = 16;

  private static final WeightOrder OTHER = new WeightOrder(Kind.OTHER, 0);

  /** The order of a layout. */
  static WeightOrder of(dnnl_memory_desc weights) {
    if (count(weights, dnnl_query_ndims_s32) != 4) {
      return OTHER;
    }
    long[] sizes = longs(weights, dnnl_query_dims, 4);
    WeightOrder order = byBlocks(weights);
    if (order == OTHER || sizes[0] % TILE != 0 || sizes[1] % TILE != 0) {
      return OTHER;
    }
    long[] actual = longs(weights, dnnl_query_strides, 4);
    long[] expected = order.strides(sizes);
    for (int axis = 0; axis < 4; axis++) {
      if (sizes[axis] > 1 && actual[axis] != expected[axis]) {
        return OTHER;
      }
    }
    return order;
  }

  /** The only order with these inner blocks. */
  private static WeightOrder byBlocks(dnnl_memory_desc weights) {
    int inner = count(weights, dnnl_query_inner_nblks_s32);
    long[] blocks = longs(weights, dnnl_query_inner_blks, inner);
    long[] axes = longs(weights, dnnl_query_inner_idxs, inner);
    if (inner == 0) {
      return new WeightOrder(Kind.PLAIN, 1);
    }
    if (inner == 1 && blocks[0] % TILE == 0 && axes[0] < 2) {
      return new WeightOrder(axes[0] == 0 ? Kind.OUT_BLOCKS : Kind.IN_BLOCKS, blocks[0]);
    }
    long[] square = {TILE, TILE};
    boolean tiles = Arrays.equals(blocks, square) && Arrays.equals(axes, new long[] {1, 0});
    return tiles ? new WeightOrder(Kind.TILES, TILE) : OTHER;
  }

  /** Distance between neighbouring blocks along each axis of {@code [O, I, kH, kW]}. */
  private long[] strides(long[] sizes) {
    long o = sizes[0];
    long i = sizes[1];
    long h = sizes[2];
    long w = sizes[3];
    return switch (kind) {
      case PLAIN -> new long[] {i * h * w, h * w, w, 1};
      case OUT_BLOCKS -> new long[] {h * w * i * block, block, w * i * block, i * block};
      case IN_BLOCKS -> new long[] {block, h * w * o * block, w * o * block, o * block};
      case TILES ->
          new long[] {i * h * w * TILE, h * w * TILE * TILE, w * TILE * TILE, TILE * TILE};
      case OTHER -> throw new AssertionError("no order has no strides");
    };
  }

  private static int count(dnnl_memory_desc weights, int query) {
    try (IntPointer value = new IntPointer(1)) {
      DnnlRuntime.check(dnnl_memory_desc_query(weights, query, value), "asking for a layout");
      return value.get();
    }
  }

  private static long[] longs(dnnl_memory_desc weights, int query, int count) {
    long[] values = new long[count];
    if (count > 0) {
      try (PointerPointer<LongPointer> array = new PointerPointer<>(1)) {
        DnnlRuntime.check(dnnl_memory_desc_query(weights, query, array), "asking for a layout");
        new LongPointer(array.get(0)).get(values);
      }
    }
    return values;
  }
}
