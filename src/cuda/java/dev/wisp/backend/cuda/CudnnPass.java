package dev.wisp.backend.cuda;

import static org.bytedeco.cuda.global.cudnn.*;

import dev.wisp.backend.cuda.Cudnn.Address;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.bytedeco.cuda.cudnn.cudnnConvolutionBwdDataAlgoPerf_t;
import org.bytedeco.cuda.cudnn.cudnnConvolutionBwdFilterAlgoPerf_t;
import org.bytedeco.cuda.cudnn.cudnnConvolutionFwdAlgoPerf_t;
import org.bytedeco.javacpp.SizeTPointer;

/** The three convolutions of cuDNN, each with algorithms of its own. */
@SuppressWarnings("deprecation") // cuDNN 9 deprecates all that is not its graphs.
enum CudnnPass {
  /** y from x and the weights. */
  FORWARD(
      "cudnnConvolutionForward",
      "cudnnFindConvolutionForwardAlgorithmEx",
      CUDNN_CONVOLUTION_FWD_ALGO_COUNT,
      Set.of(
          CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM,
          CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
          CUDNN_CONVOLUTION_FWD_ALGO_GEMM,
          CUDNN_CONVOLUTION_FWD_ALGO_DIRECT)),
  /** dx, in the place of x, from dy, in the place of y, and the weights. */
  BACKWARD_DATA(
      "cudnnConvolutionBackwardData",
      "cudnnFindConvolutionBackwardDataAlgorithmEx",
      CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT,
      Set.of(CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1)),
  /** dw, in the place of the weights, from x and dy, in the place of y. */
  BACKWARD_WEIGHTS(
      "cudnnConvolutionBackwardFilter",
      "cudnnFindConvolutionBackwardFilterAlgorithmEx",
      CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT,
      Set.of(
          CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0,
          CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1,
          CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3));

  private final String function;
  private final String finder;
  private final int algorithms;
  private final Set<Integer> sums;

  /** Device addresses of a convolution's operands, in the layout it is computed in. */
  record Operands(long x, long weights, long y) {}

  /**
   * An algorithm that was tried.
   *
   * @param status 0 if it works
   * @param bytes of workspace
   */
  record Candidate(
      int algorithm, int status, float millis, long bytes, boolean deterministic, int math) {}

  CudnnPass(String function, String finder, int algorithms, Set<Integer> sums) {
    this.function = function;
    this.finder = finder;
    this.algorithms = algorithms;
    this.sums = sums;
  }

  /** Name of cuDNN's function. */
  String function() {
    return function;
  }

  /** How many algorithms there are, numbered from 0. */
  int algorithms() {
    return algorithms;
  }

  /** Whether an algorithm sums products, rather than transforming its operands. */
  boolean sums(int algorithm) {
    return sums.contains(algorithm);
  }

  /** Bytes of workspace an algorithm needs; -1 if it cannot do this convolution. */
  long workspace(Cudnn cudnn, CudnnShape s, int algorithm) {
    try (SizeTPointer bytes = new SizeTPointer(1)) {
      int status =
          switch (this) {
            case FORWARD ->
                cudnnGetConvolutionForwardWorkspaceSize(
                    cudnn.handle, s.x, s.weights, s.convolution, s.y, algorithm, bytes);
            case BACKWARD_DATA ->
                cudnnGetConvolutionBackwardDataWorkspaceSize(
                    cudnn.handle, s.weights, s.y, s.convolution, s.x, algorithm, bytes);
            case BACKWARD_WEIGHTS ->
                cudnnGetConvolutionBackwardFilterWorkspaceSize(
                    cudnn.handle, s.x, s.y, s.convolution, s.weights, algorithm, bytes);
          };
      if (Cudnn.notSupported(status)) {
        return -1;
      }
      cudnn.check(status, function.replace("cudnn", "cudnnGet") + "WorkspaceSize", s.toString());
      return bytes.get();
    }
  }

  /**
   * Runs every algorithm that the workspace suffices for; overwrites the result.
   *
   * @return all of them with what came of it; none if cuDNN has no code for this layout
   */
  List<Candidate> find(Cudnn cudnn, CudnnShape s, Operands o, long workspace, long bytes) {
    // Each algorithm may be tried with and without tensor cores.
    int most = 2 * algorithms;
    int[] count = new int[1];
    Address x = new Address().at(o.x);
    Address w = new Address().at(o.weights);
    Address y = new Address().at(o.y);
    Address space = new Address().at(workspace);
    List<Candidate> tried = new ArrayList<>();
    int status;
    switch (this) {
      case FORWARD -> {
        try (var all = new cudnnConvolutionFwdAlgoPerf_t(most)) {
          status =
              cudnnFindConvolutionForwardAlgorithmEx(
                  cudnn.handle,
                  s.x,
                  x,
                  s.weights,
                  w,
                  s.convolution,
                  s.y,
                  y,
                  most,
                  count,
                  all,
                  space,
                  bytes);
          for (int i = 0; status == 0 && i < count[0]; i++) {
            var one = all.position(i);
            tried.add(
                candidate(
                    one.algo(),
                    one.status(),
                    one.time(),
                    one.memory(),
                    one.determinism(),
                    one.mathType()));
          }
        }
      }
      case BACKWARD_DATA -> {
        try (var all = new cudnnConvolutionBwdDataAlgoPerf_t(most)) {
          status =
              cudnnFindConvolutionBackwardDataAlgorithmEx(
                  cudnn.handle,
                  s.weights,
                  w,
                  s.y,
                  y,
                  s.convolution,
                  s.x,
                  x,
                  most,
                  count,
                  all,
                  space,
                  bytes);
          for (int i = 0; status == 0 && i < count[0]; i++) {
            var one = all.position(i);
            tried.add(
                candidate(
                    one.algo(),
                    one.status(),
                    one.time(),
                    one.memory(),
                    one.determinism(),
                    one.mathType()));
          }
        }
      }
      case BACKWARD_WEIGHTS -> {
        try (var all = new cudnnConvolutionBwdFilterAlgoPerf_t(most)) {
          status =
              cudnnFindConvolutionBackwardFilterAlgorithmEx(
                  cudnn.handle,
                  s.x,
                  x,
                  s.y,
                  y,
                  s.convolution,
                  s.weights,
                  w,
                  most,
                  count,
                  all,
                  space,
                  bytes);
          for (int i = 0; status == 0 && i < count[0]; i++) {
            var one = all.position(i);
            tried.add(
                candidate(
                    one.algo(),
                    one.status(),
                    one.time(),
                    one.memory(),
                    one.determinism(),
                    one.mathType()));
          }
        }
      }
      default -> throw new AssertionError(this);
    }
    if (!Cudnn.notSupported(status)) {
      cudnn.check(status, finder, s.toString());
    }
    return tried;
  }

  private static Candidate candidate(
      int algorithm, int status, float millis, long bytes, int determinism, int math) {
    return new Candidate(
        algorithm, status, millis, bytes, determinism == CUDNN_DETERMINISTIC, math);
  }

  /** Computes; the result is overwritten. */
  void run(Cudnn cudnn, CudnnShape s, int algorithm, Operands o, long workspace, long bytes) {
    Address x = cudnn.first.at(o.x);
    Address w = cudnn.second.at(o.weights);
    Address y = cudnn.third.at(o.y);
    Address space = cudnn.space.at(workspace);
    int status =
        switch (this) {
          case FORWARD ->
              cudnnConvolutionForward(
                  cudnn.handle,
                  cudnn.one,
                  s.x,
                  x,
                  s.weights,
                  w,
                  s.convolution,
                  algorithm,
                  space,
                  bytes,
                  cudnn.zero,
                  s.y,
                  y);
          case BACKWARD_DATA ->
              cudnnConvolutionBackwardData(
                  cudnn.handle,
                  cudnn.one,
                  s.weights,
                  w,
                  s.y,
                  y,
                  s.convolution,
                  algorithm,
                  space,
                  bytes,
                  cudnn.zero,
                  s.x,
                  x);
          case BACKWARD_WEIGHTS ->
              cudnnConvolutionBackwardFilter(
                  cudnn.handle,
                  cudnn.one,
                  s.x,
                  x,
                  s.y,
                  y,
                  s.convolution,
                  algorithm,
                  space,
                  bytes,
                  cudnn.zero,
                  s.weights,
                  w);
        };
    cudnn.check(status, function, s.toString());
  }
}
