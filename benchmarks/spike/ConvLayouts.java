import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Times every distinct convolution of a stride-16 ResNet-101 with activations in plain NHWC and in
 * the layout oneDNN itself prefers; docs/layout.md explains what came out and how to run it.
 *
 * <p>Arguments: {@code nhwc|own} batch size [plain|fused|residual] (post-ops of the forward pass).
 */
final class ConvLayouts {
  record Conv(String stage, int in, int out, int k, int stride, int size, int count, int data) {}

  static final int REPEATS = Integer.getInteger("repeats", 5);
  static final dnnl_engine ENGINE = new dnnl_engine();
  static final dnnl_stream STREAM = new dnnl_stream();

  static void check(int status) {
    if (status != dnnl_success) {
      throw new IllegalStateException("oneDNN status " + status);
    }
  }

  /** Distinct shapes; count = occurrences, data = how many of them need the data gradient. */
  static List<Conv> resnet101(int image) {
    List<Conv> all = new ArrayList<>();
    int s = image / 2;
    all.add(new Conv("stem", 3, 64, 7, 2, image, 1, 0));
    s /= 2;
    all.add(new Conv("layer1", 64, 64, 1, 1, s, 1, 0));
    all.add(new Conv("layer1", 256, 64, 1, 1, s, 2, 0));
    all.add(new Conv("layer1", 64, 64, 3, 1, s, 3, 0));
    all.add(new Conv("layer1", 64, 256, 1, 1, s, 4, 0));
    all.add(new Conv("layer2", 256, 128, 1, 1, s, 1, 0));
    all.add(new Conv("layer2", 128, 128, 3, 2, s, 1, 0));
    all.add(new Conv("layer2", 256, 512, 1, 2, s, 1, 0));
    s /= 2;
    all.add(new Conv("layer2", 128, 512, 1, 1, s, 4, 0));
    all.add(new Conv("layer2", 512, 128, 1, 1, s, 3, 0));
    all.add(new Conv("layer2", 128, 128, 3, 1, s, 3, 0));
    all.add(new Conv("layer3", 512, 256, 1, 1, s, 1, 0));
    all.add(new Conv("layer3", 256, 256, 3, 2, s, 1, 1));
    all.add(new Conv("layer3", 512, 1024, 1, 2, s, 1, 0));
    s /= 2;
    all.add(new Conv("layer3", 256, 1024, 1, 1, s, 23, 23));
    all.add(new Conv("layer3", 1024, 256, 1, 1, s, 22, 22));
    all.add(new Conv("layer3", 256, 256, 3, 1, s, 22, 22));
    all.add(new Conv("layer4", 1024, 512, 1, 1, s, 1, 1));
    all.add(new Conv("layer4", 1024, 2048, 1, 1, s, 1, 1));
    all.add(new Conv("layer4", 2048, 512, 1, 1, s, 2, 2));
    all.add(new Conv("layer4", 512, 512, 3, 1, s, 3, 3));
    all.add(new Conv("layer4", 512, 2048, 1, 1, s, 3, 3));
    return all;
  }

  static dnnl_memory_desc md(int tag, long... dims) {
    dnnl_memory_desc result = new dnnl_memory_desc();
    check(dnnl_memory_desc_create_with_tag(result, dims.length, dims, dnnl_f32, tag));
    return result;
  }

  static dnnl_memory_desc query(dnnl_primitive_desc pd, int what, int index) {
    return new dnnl_memory_desc(dnnl_primitive_desc_query_md(pd, what, index));
  }

  /** A memory of its own, filled with small numbers so that nothing is denormal or constant. */
  static dnnl_memory memory(dnnl_memory_desc md, List<Pointer> keep) {
    long bytes = Math.max(64, dnnl_memory_desc_get_size(md));
    BytePointer raw = new BytePointer(bytes + 64);
    keep.add(raw);
    long at = (raw.address() + 63) & ~63L;
    BytePointer aligned = raw.getPointer(at - raw.address());
    FloatPointer floats = new FloatPointer(aligned);
    float[] row = new float[4096];
    for (int i = 0; i < row.length; i++) {
      row[i] = ((i * 2654435761L >>> 8 & 1023) - 512) / 1024f;
    }
    long n = bytes / 4;
    for (long i = 0; i < n; i += row.length) {
      floats.position(i).put(row, 0, (int) Math.min(row.length, n - i));
    }
    dnnl_memory result = new dnnl_memory();
    check(dnnl_memory_create(result, md, ENGINE, aligned));
    keep.add(result);
    return result;
  }

  record Timing(double seconds, String implementation) {}

  static Timing time(dnnl_primitive_desc pd, int[] args, dnnl_memory_desc[] mds) {
    List<Pointer> keep = new ArrayList<>();
    dnnl_primitive primitive = new dnnl_primitive();
    check(dnnl_primitive_create(primitive, pd));
    dnnl_exec_arg_t list = new dnnl_exec_arg_t(args.length);
    for (int i = 0; i < args.length; i++) {
      list.position(i).arg(args[i]).memory(memory(mds[i], keep));
    }
    list.position(0);
    double best = Double.MAX_VALUE;
    for (int r = 0; r < REPEATS + 1; r++) {
      long start = System.nanoTime();
      check(dnnl_primitive_execute(primitive, STREAM, args.length, list));
      check(dnnl_stream_wait(STREAM));
      if (r > 0) {
        best = Math.min(best, (System.nanoTime() - start) * 1e-9);
      }
    }
    PointerPointer<BytePointer> text = new PointerPointer<>(1);
    check(dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, text));
    String name = new BytePointer(text.get(0)).getString();
    dnnl_primitive_destroy(primitive);
    for (Pointer p : keep) {
      if (p instanceof dnnl_memory m) {
        dnnl_memory_destroy(m);
      } else {
        p.deallocate();
      }
    }
    return new Timing(best, name);
  }

  static dnnl_primitive_attr attr(String postOps, dnnl_memory_desc dst) {
    dnnl_primitive_attr attr = new dnnl_primitive_attr();
    check(dnnl_primitive_attr_create(attr));
    check(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
    if (!postOps.equals("plain")) {
      dnnl_post_ops ops = new dnnl_post_ops();
      check(dnnl_post_ops_create(ops));
      if (postOps.equals("residual")) {
        check(dnnl_post_ops_append_binary(ops, dnnl_binary_add, dst));
      }
      check(dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0));
      check(dnnl_primitive_attr_set_post_ops(attr, ops));
    }
    return attr;
  }

  public static void main(String[] argv) {
    boolean own = argv[0].equals("own");
    long batch = Long.parseLong(argv[1]);
    int image = Integer.parseInt(argv[2]);
    String postOps = argv.length > 3 ? argv[3] : "fused";
    check(dnnl_engine_create(ENGINE, dnnl_cpu, 0));
    check(dnnl_stream_create(STREAM, ENGINE, dnnl_stream_default_flags));
    double[] sum = new double[3];
    double[] work = new double[3];
    System.out.println("layout stage in out k stride size count | forward GFLOP/s, data, weights");
    for (Conv c : resnet101(image)) {
      long pad = c.k / 2;
      long outSize = (c.size + 2 * pad - c.k) / c.stride + 1;
      int tag = own ? dnnl_format_tag_any : dnnl_nhwc;
      int srcTag = c.in == 3 ? dnnl_nhwc : tag;
      long[] st = {c.stride, c.stride};
      long[] dil = {0, 0};
      long[] pd = {pad, pad};
      dnnl_memory_desc src = md(srcTag, batch, c.in, c.size, c.size);
      dnnl_memory_desc wei = md(dnnl_format_tag_any, c.out, c.in, c.k, c.k);
      dnnl_memory_desc bia = md(dnnl_x, c.out);
      dnnl_memory_desc dst = md(tag, batch, c.out, outSize, outSize);
      double flops = 2.0 * batch * outSize * outSize * c.out * c.in * c.k * c.k;
      dnnl_primitive_desc f = new dnnl_primitive_desc();
      check(
          dnnl_convolution_forward_primitive_desc_create(
              f,
              ENGINE,
              dnnl_forward_training,
              dnnl_convolution_direct,
              src,
              wei,
              bia,
              dst,
              st,
              dil,
              pd,
              pd,
              attr(postOps, dst)));
      int[] fa = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
      dnnl_memory_desc[] fm = {
        query(f, dnnl_query_src_md, 0),
        query(f, dnnl_query_weights_md, 0),
        bia,
        query(f, dnnl_query_dst_md, 0),
        query(f, dnnl_query_scratchpad_md, 0)
      };
      if (postOps.equals("residual")) {
        fa = java.util.Arrays.copyOf(fa, 6);
        fm = java.util.Arrays.copyOf(fm, 6);
        fa[5] = DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE | DNNL_ARG_SRC_1;
        fm[5] = fm[3];
      }
      Timing tf = time(f, fa, fm);
      sum[0] += tf.seconds * c.count;
      work[0] += flops * c.count;
      Timing td = null;
      Timing tw = null;
      dnnl_primitive_attr bare = attr("plain", dst);
      boolean trained = c.stage.equals("layer3") || c.stage.equals("layer4");
      if (trained) {
        dnnl_primitive_desc d = new dnnl_primitive_desc();
        check(
            dnnl_convolution_backward_data_primitive_desc_create(
                d, ENGINE, dnnl_convolution_direct, src, wei, dst, st, dil, pd, pd, f, bare));
        td =
            time(
                d,
                new int[] {
                  DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD
                },
                new dnnl_memory_desc[] {
                  query(d, dnnl_query_diff_src_md, 0), query(d, dnnl_query_weights_md, 0),
                  query(d, dnnl_query_diff_dst_md, 0), query(d, dnnl_query_scratchpad_md, 0)
                });
        sum[1] += td.seconds * c.data;
        work[1] += flops * c.data;
        dnnl_primitive_desc w = new dnnl_primitive_desc();
        check(
            dnnl_convolution_backward_weights_primitive_desc_create(
                w, ENGINE, dnnl_convolution_direct, src, wei, bia, dst, st, dil, pd, pd, f, bare));
        tw =
            time(
                w,
                new int[] {
                  DNNL_ARG_SRC,
                  DNNL_ARG_DIFF_DST,
                  DNNL_ARG_DIFF_WEIGHTS,
                  DNNL_ARG_DIFF_BIAS,
                  DNNL_ARG_SCRATCHPAD
                },
                new dnnl_memory_desc[] {
                  query(w, dnnl_query_src_md, 0),
                  query(w, dnnl_query_diff_dst_md, 0),
                  query(w, dnnl_query_diff_weights_md, 0),
                  bia,
                  query(w, dnnl_query_scratchpad_md, 0)
                });
        sum[2] += tw.seconds * c.count;
        work[2] += flops * c.count;
      }
      System.out.printf(
          Locale.ROOT,
          "%s %s %d %d %d %d %d %d | %6.1f %s",
          argv[0],
          c.stage,
          c.in,
          c.out,
          c.k,
          c.stride,
          c.size,
          c.count,
          flops / tf.seconds / 1e9,
          tf.implementation);
      if (td != null && tw != null) {
        System.out.printf(
            Locale.ROOT,
            " | %6.1f %s | %6.1f %s",
            flops / td.seconds / 1e9,
            td.implementation,
            flops / tw.seconds / 1e9,
            tw.implementation);
      }
      System.out.println();
    }
    System.out.printf(
        Locale.ROOT,
        "SUM %s batch %d image %d %s: forward %.1f GFLOP in %.3f s = %.1f GFLOP/s; data %.1f in"
            + " %.3f = %.1f; weights %.1f in %.3f = %.1f; all %.3f s = %.1f GFLOP/s%n",
        argv[0],
        batch,
        image,
        postOps,
        work[0] / 1e9,
        sum[0],
        work[0] / sum[0] / 1e9,
        work[1] / 1e9,
        sum[1],
        work[1] / sum[1] / 1e9,
        work[2] / 1e9,
        sum[2],
        work[2] / sum[2] / 1e9,
        sum[0] + sum[1] + sum[2],
        (work[0] + work[1] + work[2]) / (sum[0] + sum[1] + sum[2]) / 1e9);
  }
}
