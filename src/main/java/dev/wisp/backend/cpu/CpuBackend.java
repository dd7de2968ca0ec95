package dev.wisp.backend.cpu;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.MemoryStatistics;
import dev.wisp.backend.PamrOptions;
import dev.wisp.backend.support.BlockPool;
import dev.wisp.backend.support.ComputeThread;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The CPU: oneDNN for convolutions, the project's own vectorised kernels for everything else. Each
 * instance has its own compute thread, team of OpenMP workers and memory pool; several may be open
 * at the same time. {@link #compute} may be called from any thread.
 */
public final class CpuBackend implements Backend {
  private static final AtomicInteger OPENED = new AtomicInteger();

  private final ComputeThread thread;
  private final BlockPool<MemorySegment> pool;
  private final CpuContext context;
  private final CpuPointwise pointwiseOps;
  private final CpuNorms normOps;
  private final CpuResize resizeOps;
  private final CpuMaps mapOps;
  private final CpuSeeds seedOps;
  private final CpuPamr pamrOps;
  private final CpuOptimizer optimizerOps;
  private final CpuFolding folding;
  private final CpuPooling pooling;
  private final DnnlConvolutions convolutions;
  private final String isa;

  private CpuBackend(CpuOptions options, int threads, String isa) {
    this.isa = isa;
    thread = new ComputeThread("wisp-cpu-" + OPENED.incrementAndGet());
    pool = CpuMemory.pool(options);
    context = new CpuContext(pool, thread, threads);
    pointwiseOps = new CpuPointwise(context);
    normOps = new CpuNorms(context);
    resizeOps = new CpuResize(context);
    mapOps = new CpuMaps(context);
    seedOps = new CpuSeeds(context);
    pamrOps = new CpuPamr(context);
    optimizerOps = new CpuOptimizer(context);
    folding = new CpuFolding(context);
    pooling = new CpuPooling(context);
    convolutions = new DnnlConvolutions(context);
    run(() -> setTeam(threads));
  }

  /**
   * Opens the backend.
   *
   * @throws dev.wisp.common.WispException in one line, if a native library cannot be loaded or the
   *     environment variable WISP_ISA names no instruction set
   */
  public static CpuBackend open(CpuOptions options) {
    int threads =
        options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
    NativeRuntime.load(threads);
    return new CpuBackend(options, threads, NativeRuntime.instructionSet());
  }

  /** OpenMP's team belongs to the thread that sets its size. */
  private static void setTeam(int threads) {
    try {
      NativeStatus.check((int) NativeKernels.SET_THREADS.invokeExact(threads), "open", () -> "");
    } catch (RuntimeException refused) {
      throw refused;
    } catch (Throwable impossible) {
      throw new AssertionError("open", impossible);
    }
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public String describe() {
    return "cpu: %s, %s kernels, oneDNN %s, %d threads"
        .formatted(processor(), isa, DnnlRuntime.version(), context.threads());
  }

  private static String processor() {
    try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    } catch (IOException unknown) {
      return System.getProperty("os.arch");
    }
  }

  @Override
  public Scope scope() {
    return new Scope(pool);
  }

  @Override
  public <T> T compute(Callable<T> task) {
    return thread.call(task);
  }

  @Override
  public MemoryStatistics memoryStatistics() {
    return pool.statistics();
  }

  @Override
  public void upload(float[] source, Tensor target) {
    Call call = context.call("upload");
    MemorySegment memory = call.any("target", target, DType.F32, source.length);
    MemorySegment.copy(source, 0, memory, ValueLayout.JAVA_FLOAT, 0, source.length);
  }

  @Override
  public void upload(int[] source, Tensor target) {
    Call call = context.call("upload");
    MemorySegment memory = call.any("target", target, DType.I32, source.length);
    MemorySegment.copy(source, 0, memory, ValueLayout.JAVA_INT, 0, source.length);
  }

  @Override
  public void upload(byte[] source, Tensor target) {
    Call call = context.call("upload");
    MemorySegment memory = call.any("target", target, DType.U8, source.length);
    MemorySegment.copy(source, 0, memory, ValueLayout.JAVA_BYTE, 0, source.length);
  }

  @Override
  public float[] floats(Tensor source) {
    Call call = context.call("floats");
    int length = call.length("source", source);
    float[] values = new float[length];
    MemorySegment memory = call.any("source", source, DType.F32, length);
    MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, 0, values, 0, length);
    return values;
  }

  @Override
  public int[] ints(Tensor source) {
    Call call = context.call("ints");
    int length = call.length("source", source);
    int[] values = new int[length];
    MemorySegment memory = call.any("source", source, DType.I32, length);
    MemorySegment.copy(memory, ValueLayout.JAVA_INT, 0, values, 0, length);
    return values;
  }

  @Override
  public void close() {
    thread.close(
        () -> {
          convolutions.close();
          pool.close();
        });
  }

  @Override
  public String toString() {
    return describe();
  }

  // NormOps

  @Override
  public void batchNormForward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd) {
    normOps.batchNormForward(x, gamma, beta, eps, residual, relu, y, mean, invStd);
  }

  @Override
  public void batchNormBackward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    normOps.batchNormBackward(x, dy, gamma, mean, invStd, dx, dgamma, dbeta);
  }

  @Override
  public void batchNormUpdate(
      Tensor mean,
      Tensor invStd,
      float eps,
      long count,
      float momentum,
      Tensor runningMean,
      Tensor runningVar) {
    normOps.batchNormUpdate(mean, invStd, eps, count, momentum, runningMean, runningVar);
  }

  @Override
  public void l2Normalize(Tensor x, float eps, Tensor y, Tensor norms) {
    normOps.l2Normalize(x, eps, y, norms);
  }

  @Override
  public void l2NormalizeBackward(Tensor x, Tensor norms, Tensor dy, float eps, Tensor dx) {
    normOps.l2NormalizeBackward(x, norms, dy, eps, dx);
  }

  // ResizeOps

  @Override
  public void resizeBilinear(
      Tensor source, Tensor target, int channelOffset, boolean alignCorners) {
    resizeOps.resizeBilinear(source, target, channelOffset, alignCorners);
  }

  @Override
  public void resizeBilinearBackward(
      Tensor dTarget, int channelOffset, Tensor dSource, boolean alignCorners) {
    resizeOps.resizeBilinearBackward(dTarget, channelOffset, dSource, alignCorners);
  }

  // PointwiseOps

  @Override
  public void fill(Tensor target, float value) {
    pointwiseOps.fill(target, value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    pointwiseOps.copy(source, target);
  }

  @Override
  public void addScaled(float factor, Tensor source, Tensor target) {
    pointwiseOps.addScaled(factor, source, target);
  }

  @Override
  public void relu(Tensor x, Tensor out) {
    pointwiseOps.relu(x, out);
  }

  @Override
  public void reluBackward(Tensor y, Tensor dy, @Nullable Tensor extra, Tensor dx) {
    pointwiseOps.reluBackward(y, dy, extra, dx);
  }

  @Override
  public void addMirrored(Tensor mirrored, Tensor target) {
    pointwiseOps.addMirrored(mirrored, target);
  }

  @Override
  public void denormalize(Tensor x, float[] mean, float[] std, Tensor out) {
    pointwiseOps.denormalize(x, mean, std, out);
  }

  @Override
  public void spatialMean(Tensor x, Tensor out) {
    pointwiseOps.spatialMean(x, out);
  }

  @Override
  public void spatialMeanBackward(Tensor dOut, Tensor dx) {
    pointwiseOps.spatialMeanBackward(dOut, dx);
  }

  @Override
  public void softMarginLoss(Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore) {
    pointwiseOps.softMarginLoss(score, label, loss, dScore);
  }

  @Override
  public void meanAbsoluteDifference(
      Tensor a, Tensor b, ClassRows classes, Tensor loss, @Nullable Tensor dA) {
    pointwiseOps.meanAbsoluteDifference(a, b, classes, loss, dA);
  }

  // MapOps

  @Override
  public void camToMaps(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor maps,
      Tensor peak,
      Tensor winner) {
    mapOps.camToMaps(cam, valid, classes, eps, maps, peak, winner);
  }

  @Override
  public void camToMapsBackward(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor peak,
      Tensor winner,
      Tensor dMaps,
      Tensor dCam) {
    mapOps.camToMapsBackward(cam, valid, classes, eps, peak, winner, dMaps, dCam);
  }

  @Override
  public void normalizeMaps(Tensor maps, Normalization mode, float eps, Tensor out, Tensor peak) {
    mapOps.normalizeMaps(maps, mode, eps, out, peak);
  }

  @Override
  public void normalizeMapsBackward(
      Tensor maps, Normalization mode, float eps, Tensor peak, Tensor dOut, Tensor dMaps) {
    mapOps.normalizeMapsBackward(maps, mode, eps, peak, dOut, dMaps);
  }

  @Override
  public void argmaxMaps(Tensor maps, ClassRows classes, float backgroundFactor, Tensor seeds) {
    mapOps.argmaxMaps(maps, classes, backgroundFactor, seeds);
  }

  // OptimizerOps

  @Override
  public void gradientNorm(List<Tensor> gradients, Tensor norm) {
    optimizerOps.gradientNorm(gradients, norm);
  }

  @Override
  public void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first) {
    optimizerOps.sgdStep(slots, norm, maxNorm, weightDecay, momentum, first);
  }

  // SeedOps

  @Override
  public void structureSeeds(
      Tensor feature,
      Tensor maps,
      ClassRows classes,
      ClassRows present,
      @Nullable Tensor valid,
      float eps,
      Tensor seeds,
      @Nullable Tensor iou) {
    seedOps.structureSeeds(feature, maps, classes, present, valid, eps, seeds, iou);
  }

  @Override
  public void prototypes(Tensor feature, Tensor seeds, ClassRows classes, Tensor prototypes) {
    seedOps.prototypes(feature, seeds, classes, prototypes);
  }

  @Override
  public void prototypesBackward(
      Tensor dPrototypes, Tensor seeds, ClassRows classes, Tensor dFeature) {
    seedOps.prototypesBackward(dPrototypes, seeds, classes, dFeature);
  }

  @Override
  public void reactivate(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps) {
    seedOps.reactivate(feature, prototypes, classes, featureNorms, prototypeNorms, maps);
  }

  @Override
  public void reactivateBackward(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps,
      Tensor dMaps,
      Tensor dFeature,
      Tensor dPrototypes) {
    seedOps.reactivateBackward(
        feature,
        prototypes,
        classes,
        featureNorms,
        prototypeNorms,
        maps,
        dMaps,
        dFeature,
        dPrototypes);
  }

  // PamrOps

  @Override
  public void pamrAffinity(
      Tensor guide,
      PamrOptions options,
      Tensor affinity,
      @Nullable Tensor std,
      @Nullable Tensor logit) {
    pamrOps.pamrAffinity(guide, options, affinity, std, logit);
  }

  @Override
  public void pamrSteps(
      Tensor affinity, Tensor maps, ClassRows classes, PamrOptions options, Tensor out) {
    pamrOps.pamrSteps(affinity, maps, classes, options, out);
  }

  // ConvolutionOps

  /** What the convolutions have cost beside computing; on the compute thread. */
  DnnlStatistics convolutionStatistics() {
    return convolutions.statistics();
  }

  @Override
  public ConvWeights convWeights(ConvSpec spec) {
    return convolutions.convWeights(spec);
  }

  @Override
  public void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    convolutions.loadWeights(target, weight, scale);
  }

  @Override
  public void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    convolutions.convForward(weights, x, bias, residual, relu, y);
  }

  @Override
  public void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    convolutions.convBackwardData(weights, dy, dx);
  }

  @Override
  public void convBackwardWeights(
      ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    convolutions.convBackwardWeights(spec, x, dy, dw, db);
  }

  @Override
  public void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    folding.foldNorm(gamma, beta, mean, var, eps, scale, bias);
  }

  @Override
  public void foldNormBackward(
      Tensor dwFolded,
      Tensor weight,
      Tensor db,
      Tensor gamma,
      Tensor mean,
      Tensor var,
      float eps,
      Tensor dw,
      Tensor dgamma) {
    folding.foldNormBackward(dwFolded, weight, db, gamma, mean, var, eps, dw, dgamma);
  }

  @Override
  public void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    pooling.maxPool(x, y, index);
  }

  @Override
  public void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    pooling.maxPoolBackward(dy, index, dx);
  }
}
