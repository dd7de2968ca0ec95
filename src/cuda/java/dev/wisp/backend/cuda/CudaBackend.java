package dev.wisp.backend.cuda;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.MemoryStatistics;
import dev.wisp.backend.PamrOptions;
import dev.wisp.backend.support.CacheFolders;
import dev.wisp.backend.support.ComputeThread;
import dev.wisp.common.WispException;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An NVIDIA card: the project's own kernels, compiled for it when they are first launched. Each
 * instance has its own compute thread, stream, memory pool and compiled kernels; several may be
 * open at the same time, on one card or on several. {@link #compute} may be called from any thread.
 */
final class CudaBackend implements Backend {
  private static final AtomicInteger OPENED = new AtomicInteger();

  private final ComputeThread thread;
  private final CudaContext context;
  private final String description;
  private final CudaPointwise pointwiseOps;
  private final CudaNorms normOps;
  private final CudaResize resizeOps;
  private final CudaMaps mapOps;
  private final CudaSeeds seedOps;
  private final CudaPamr pamrOps;
  private final CudaOptimizer optimizerOps;
  private final CudaFolding folding;
  private final CudaPooling pooling;
  private final CudaConvolutions convolutions;

  /** On the compute thread. */
  private CudaBackend(ComputeThread thread, CudaContext context, String description) {
    this.thread = thread;
    this.context = context;
    this.description = description;
    pointwiseOps = new CudaPointwise(context);
    normOps = new CudaNorms(context);
    resizeOps = new CudaResize(context);
    mapOps = new CudaMaps(context);
    seedOps = new CudaSeeds(context);
    pamrOps = new CudaPamr(context);
    optimizerOps = new CudaOptimizer(context);
    folding = new CudaFolding(context);
    pooling = new CudaPooling(context);
    convolutions = new CudaConvolutions(context);
  }

  /**
   * Opens the backend.
   *
   * @throws WispException in one line, if there is no such card, no compiler, or the driver refuses
   */
  static CudaBackend open(CudaOptions options) {
    Nvrtc nvrtc = NvrtcLibrary.load();
    List<CudaDevice> devices = CudaSession.devices();
    if (options.device() >= devices.size()) {
      throw new WispException(
          "cuda:%d does not exist; this machine has %d, counted from 0"
              .formatted(options.device(), devices.size()));
    }
    CudaDevice device = devices.get(options.device());
    CudaCode code =
        options.code() == null
            ? CudaCode.forDevice(device.capability(), device.referee(), nvrtc.architectures())
            : CudaCode.parse(options.code());
    CudaCompiler compiler =
        new CudaCompiler(nvrtc, code, CudaCompiler.OPTIONS, CacheFolders.candidates());
    String description =
        "cuda: %s, kernels as %s by NVRTC %s".formatted(device, code, nvrtc.version());
    ComputeThread thread = new ComputeThread("wisp-cuda-" + OPENED.incrementAndGet());
    try {
      return thread.call(
          () -> {
            CudaContext context = CudaContext.open(thread, device, options, compiler);
            return new CudaBackend(thread, context, description);
          });
    } catch (RuntimeException | Error failure) {
      thread.close(() -> {});
      throw failure;
    }
  }

  /** What the operation groups share, for the tests of the launches themselves. */
  CudaContext context() {
    return context;
  }

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public String describe() {
    return description;
  }

  @Override
  public Scope scope() {
    return new Scope(context.pool());
  }

  @Override
  public <T> T compute(Callable<T> task) {
    return thread.call(task);
  }

  @Override
  public MemoryStatistics memoryStatistics() {
    return context.statistics();
  }

  @Override
  public void upload(float[] source, Tensor target) {
    upload(MemorySegment.ofArray(source), source.length, target, DType.F32);
  }

  @Override
  public void upload(int[] source, Tensor target) {
    upload(MemorySegment.ofArray(source), source.length, target, DType.I32);
  }

  @Override
  public void upload(byte[] source, Tensor target) {
    upload(MemorySegment.ofArray(source), source.length, target, DType.U8);
  }

  private void upload(MemorySegment source, int length, Tensor target, DType type) {
    CudaCall call = context.call("upload");
    call.any("target", target, type, length);
    call.run(() -> context.transfers().upload(source, call.memory(target)));
  }

  @Override
  public float[] floats(Tensor source) {
    CudaCall call = context.call("floats");
    float[] values = new float[call.length("source", source)];
    call.any("source", source, DType.F32, values.length);
    call.run(
        () -> context.transfers().download(call.memory(source), MemorySegment.ofArray(values)));
    return values;
  }

  @Override
  public int[] ints(Tensor source) {
    CudaCall call = context.call("ints");
    int[] values = new int[call.length("source", source)];
    call.any("source", source, DType.I32, values.length);
    call.run(
        () -> context.transfers().download(call.memory(source), MemorySegment.ofArray(values)));
    return values;
  }

  @Override
  public void close() {
    thread.close(
        () -> {
          convolutions.close();
          context.close();
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
