package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ResizeOps;
import dev.wisp.tensor.Tensor;

/** Bilinear resizing on the device, {@code cuda/resize.cu}. */
final class CudaResize implements ResizeOps {
  private static final String FILE = "resize";
  private static final int THREADS = 256;

  private final CudaContext context;
  private final CudaKernel resizeBilinear;
  private final CudaKernel resizeBilinearBackward;

  CudaResize(CudaContext context) {
    this.context = context;
    resizeBilinear = kernel("wisp_resize_bilinear", "source", "target");
    resizeBilinearBackward = kernel("wisp_resize_bilinear_backward", "d_target", "d_source");
  }

  private CudaKernel kernel(String name, String from, String to) {
    return context.judged(
        FILE,
        name,
        pointer(from),
        pointer(to),
        i64("n"),
        i32("in_h"),
        i32("in_w"),
        i32("c"),
        i32("out_h"),
        i32("out_w"),
        i32("out_c"),
        i32("offset"),
        i32("align_corners"));
  }

  /** Sizes of a resizing, the same in both directions. */
  private record Sizes(
      long n, long inH, long inW, long c, long outH, long outW, long outC, int offset, int align) {
    CudaKernel set(CudaKernel kernel, long from, long to) {
      return kernel
          .pointer(from)
          .pointer(to)
          .i64(n)
          .i32(inH)
          .i32(inW)
          .i32(c)
          .i32(outH)
          .i32(outW)
          .i32(outC)
          .i32(offset)
          .i32(align);
    }
  }

  private void resizeBilinear(long source, long target, Sizes s) {
    CudaKernel kernel = s.set(resizeBilinear, source, target);
    if (context.naive()) {
      kernel.launchOver(s.n * s.outH * s.outW * s.c, THREADS);
    } else {
      CudaRows.launch(kernel, s.n * s.outH, s.outW * s.c);
    }
  }

  private void resizeBilinearBackward(long dTarget, long dSource, Sizes s) {
    CudaKernel kernel = s.set(resizeBilinearBackward, dTarget, dSource);
    if (context.naive()) {
      kernel.launchOver(s.n * s.inH * s.inW * s.c, THREADS);
    } else {
      CudaRows.launch(kernel, s.n * s.inH, s.inW * s.c);
    }
  }

  @Override
  public void resizeBilinear(
      Tensor source, Tensor target, int channelOffset, boolean alignCorners) {
    CudaCall call = context.call("resizeBilinear");
    long from = call.in("source", source, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] in = source.shape().toArray();
    long to = call.out("target", target, in[0], CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    Sizes sizes = sizes(call, in, target.shape().toArray(), channelOffset, alignCorners);
    call.run(() -> resizeBilinear(from, to, sizes));
  }

  @Override
  public void resizeBilinearBackward(
      Tensor dTarget, int channelOffset, Tensor dSource, boolean alignCorners) {
    CudaCall call = context.call("resizeBilinearBackward");
    long from = call.in("dTarget", dTarget, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] out = dTarget.shape().toArray();
    long to = call.out("dSource", dSource, out[0], CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    Sizes sizes = sizes(call, dSource.shape().toArray(), out, channelOffset, alignCorners);
    call.run(() -> resizeBilinearBackward(from, to, sizes));
  }

  /** Refuses a size of 0, but for the number of images or maps. */
  private static Sizes sizes(
      CudaCall call, long[] in, long[] out, int channelOffset, boolean alignCorners) {
    call.require(
        channelOffset >= 0 && channelOffset <= out[3] - in[3],
        "channels %d..%d do not lie inside the target's"
            .formatted(channelOffset, channelOffset + in[3]));
    call.require(
        in[0] == 0 || (in[1] > 0 && in[2] > 0 && in[3] > 0 && out[1] > 0 && out[2] > 0),
        "a size is 0");
    int align = alignCorners ? 1 : 0;
    return new Sizes(in[0], in[1], in[2], in[3], out[1], out[2], out[3], channelOffset, align);
  }
}
