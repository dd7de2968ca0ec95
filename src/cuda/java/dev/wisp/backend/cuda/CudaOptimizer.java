package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.OptimizerOps;
import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Stochastic gradient descent over all parameters at once on the device, {@code cuda/sgd.cu}. */
final class CudaOptimizer implements OptimizerOps {
  private static final String FILE = "sgd";
  private static final int THREADS = 256;

  /** Elements of a block's piece. */
  private static final int PIECE = 8192;

  private final CudaContext context;
  private final CudaKernel gradientNormSums;
  private final CudaKernel gradientNorm;
  private final CudaKernel sgdStep;
  private final CudaKernel updateLossScale;

  CudaOptimizer(CudaContext context) {
    this.context = context;
    gradientNormSums =
        context.judged(
            FILE,
            "wisp_gradient_norm_sums",
            pointer("gradients"),
            pointer("sizes"),
            pointer("first"),
            pointer("sums"),
            i64("count"));
    gradientNorm =
        context.judged(FILE, "wisp_gradient_norm", pointer("sums"), pointer("norm"), i64("pieces"));
    sgdStep =
        context.judged(
            FILE,
            "wisp_sgd_step",
            pointer("weights"),
            pointer("gradients"),
            pointer("velocities"),
            pointer("sizes"),
            pointer("first"),
            pointer("rates"),
            pointer("norm"),
            pointer("loss_scale"),
            i64("count"),
            i32("first_step"),
            f32("max_norm"),
            f32("weight_decay"),
            f32("momentum"));
    updateLossScale =
        context.kernel(
            FILE,
            "wisp_update_loss_scale",
            pointer("norm"),
            pointer("loss_scale"),
            i32("interval"));
  }

  /**
   * Columns of device addresses, then the arrays' sizes and the numbers of their first pieces, as
   * one table to be copied in one go.
   */
  private static final class Table {
    private final long[] values;
    private final int columns;
    private final int count;

    Table(int columns, int count) {
      this.columns = columns;
      this.count = count;
      values = new long[(columns + 2) * count + 1];
    }

    void address(int column, int array, long address) {
      values[column * count + array] = address;
    }

    /** Sets the sizes in ascending order of arrays. */
    void size(int array, long elements) {
      int sizes = columns * count;
      int first = sizes + count;
      values[sizes + array] = elements;
      values[first + array + 1] = values[first + array] + Math.ceilDiv(elements, PIECE);
    }

    long pieces() {
      return values[values.length - 1];
    }

    /** Address of a column in the copy that begins at {@code table}. */
    long column(long table, int column) {
      return table + (long) column * count * Long.BYTES;
    }

    long sizes(long table) {
      return column(table, columns);
    }

    long first(long table) {
      return column(table, columns + 1);
    }
  }

  private void gradientNormSums(Table table, long at, long sums) {
    gradientNormSums
        .pointer(table.column(at, 0))
        .pointer(table.sizes(at))
        .pointer(table.first(at))
        .pointer(sums)
        .i64(table.count)
        .launch(
            context.naive() ? Math.ceilDiv(table.pieces(), THREADS) : table.pieces(), THREADS, 0);
  }

  private void gradientNorm(long sums, long norm, long pieces) {
    gradientNorm
        .pointer(sums)
        .pointer(norm)
        .i64(pieces)
        .launch(1, context.naive() ? 1 : THREADS, 0);
  }

  private void sgdStep(
      Table table,
      long at,
      long rates,
      long norm,
      long lossScale,
      boolean first,
      float maxNorm,
      float weightDecay,
      float momentum) {
    sgdStep
        .pointer(table.column(at, 0))
        .pointer(table.column(at, 1))
        .pointer(table.column(at, 2))
        .pointer(table.sizes(at))
        .pointer(table.first(at))
        .pointer(rates)
        .pointer(norm)
        .pointer(lossScale)
        .i64(table.count)
        .i32(first ? 1 : 0)
        .f32(maxNorm)
        .f32(weightDecay)
        .f32(momentum)
        .launch(table.pieces(), THREADS, 0);
  }

  @Override
  public void gradientNorm(List<Tensor> gradients, Tensor norm) {
    CudaCall call = context.call("gradientNorm");
    Table table = new Table(1, gradients.size());
    for (int i = 0; i < gradients.size(); i++) {
      table.address(0, i, call.inAny("gradient " + i, gradients.get(i)));
      table.size(i, gradients.get(i).shape().elements());
    }
    long result = call.out("norm", norm, 1);
    call.run(
        () -> {
          long pieces = table.pieces();
          long sums = call.workspace(pieces * Double.BYTES);
          if (pieces > 0) {
            gradientNormSums(table, call.longs(table.values), sums);
          }
          gradientNorm(sums, result, pieces);
        });
  }

  @Override
  public void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      @Nullable Tensor lossScale,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first) {
    CudaCall call = context.call("sgdStep");
    long total = call.in("norm", norm, 1);
    long scale = call.inOrNull("lossScale", lossScale, 2);
    int count = slots.size();
    Table table = new Table(3, count);
    float[] rates = new float[count];
    for (int i = 0; i < count; i++) {
      SgdSlot slot = slots.get(i);
      long[] shape = slot.weight().shape().toArray();
      table.address(1, i, call.in("gradient " + i, slot.gradient(), shape));
      table.address(0, i, call.outAny("weight " + i, slot.weight()));
      table.address(2, i, call.outOrNull("momentum " + i, slot.momentum(), shape));
      call.require(
          slot.momentum() != null || momentum == 0,
          "slot " + i + " has no velocity, but momentum is " + momentum);
      rates[i] = slot.learningRate();
      table.size(i, slot.weight().shape().elements());
    }
    call.run(
        () -> {
          if (table.pieces() > 0) {
            long at = call.longs(table.values);
            sgdStep(
                table, at, call.floats(rates), total, scale, first, maxNorm, weightDecay, momentum);
          }
        });
  }

  private void updateLossScale(long norm, long lossScale, int interval) {
    updateLossScale.pointer(norm).pointer(lossScale).i32(interval).launch(1, 1, 0);
  }

  @Override
  public void updateLossScale(Tensor norm, Tensor lossScale, int interval) {
    CudaCall call = context.call("updateLossScale");
    long total = call.in("norm", norm, 1);
    long scale = call.out("lossScale", lossScale, 2);
    call.require(interval >= 1 && interval <= MOST_INTERVAL, "interval is " + interval);
    call.run(() -> updateLossScale(total, scale, interval));
  }
}
