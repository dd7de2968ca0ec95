package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.Image;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.CrfRefinement;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Scores of one network's labels on a dataset, at many background factors. */
final class LabelScoring {
  private static final Logger LOG = LoggerFactory.getLogger(LabelScoring.class);

  private final SortedMap<Float, Confusion> plain = new TreeMap<>();
  private final SortedMap<Float, Confusion> refined = new TreeMap<>();
  private final SortedMap<Float, List<Confusion>> images = new TreeMap<>();

  private LabelScoring(int classes, List<Float> rowFactors) {
    for (float factor : FactorSweep.FACTORS) {
      plain.put(factor, new Confusion(classes));
    }
    for (float factor : rowFactors) {
      plain.putIfAbsent(factor, new Confusion(classes));
      refined.put(factor, new Confusion(classes));
      images.put(factor, new ArrayList<>());
    }
  }

  /**
   * Labels and scores all images.
   *
   * @param rowFactors background factors that are scored image by image and after the dense CRF too
   * @param skipped gets the images that cannot be scored, with the reason
   * @throws WispException if none can
   */
  static LabelScoring run(
      Backend backend,
      Dataset data,
      Recipe recipe,
      Path weights,
      List<Float> rowFactors,
      Map<String, String> skipped,
      Progress progress) {
    LabelScoring scores = new LabelScoring(data.classCount() + 1, rowFactors);
    int done = 0;
    progress.begin(
        recipe.method().sequence() + " " + recipe.method().normalization(),
        0,
        data.samples().size());
    try (AeSipeNet network = new AeSipeNet(backend, Models.method(recipe, data.classCount()))) {
      Weights.loadFrozen(network, weights);
      for (Sample sample : data.samples()) {
        try {
          scores.add(backend, data, recipe, network, sample);
        } catch (WispException unusable) {
          if (skipped.put(sample.id(), String.valueOf(unusable.getMessage())) == null) {
            LOG.warn("skipped: {}", unusable.getMessage());
          }
        }
        progress.advance(++done, "");
      }
    } finally {
      progress.end();
    }
    if (skipped.size() == data.samples().size()) {
      throw new WispException(
          "%s: none of its images can be scored; the first: %s"
              .formatted(data.name(), skipped.values().iterator().next()));
    }
    return scores;
  }

  private void add(Backend backend, Dataset data, Recipe recipe, AeSipeNet network, Sample sample) {
    byte[] truth = Evaluation.truth(data, sample).index();
    Image photograph = data.image(sample);
    PreparedImage image = PreparedImage.of(sample.id(), photograph, recipe.labelling());
    MapEnlarger maps =
        new MapEnlarger(
            backend,
            network.localize(image.scales(), sample.classes()),
            image.height(),
            image.width());
    List<Float> factors = List.copyOf(plain.keySet());
    Iterator<byte[]> labels = maps.labels(factors).iterator();
    for (float factor : factors) {
      byte[] label = labels.next();
      Confusion counts = new Confusion(data.classCount() + 1);
      counts.add(truth, label);
      at(plain, factor).add(counts);
      if (refined.containsKey(factor)) {
        at(images, factor).add(counts);
        at(refined, factor).add(truth, refine(backend, recipe.crf(), photograph, label, sample));
      }
    }
  }

  private static byte[] refine(
      Backend backend, CrfRecipe crf, Image image, byte[] label, Sample sample) {
    int[] ids = IntStream.concat(IntStream.of(0), IntStream.of(sample.classes())).toArray();
    return CrfRefinement.refine(backend, image, label, ids, crf.certainty(), crf.options());
  }

  private static <T> T at(SortedMap<Float, T> byFactor, float factor) {
    return Objects.requireNonNull(byFactor.get(factor), () -> "factor " + factor);
  }

  /** Counts over all images at a row's factor or one of the sweep's. */
  Confusion counts(float factor) {
    return at(plain, factor);
  }

  /** mIoU at a row's factor or one of the sweep's, 0..1. */
  double meanIou(float factor) {
    return counts(factor).meanIou(Confusion.Convention.VOC);
  }

  /** mIoU after the dense CRF at a row's factor, 0..1. */
  double crfMeanIou(float factor) {
    return at(refined, factor).meanIou(Confusion.Convention.VOC);
  }

  /** Counts of each image that could be scored, in the dataset's order, at a row's factor. */
  List<Confusion> images(float factor) {
    return List.copyOf(at(images, factor));
  }

  /** The factor of largest mIoU, the smallest among equals. */
  float bestFactor() {
    float best = plain.firstKey();
    for (float factor : plain.keySet()) {
      if (meanIou(factor) > meanIou(best)) {
        best = factor;
      }
    }
    return best;
  }
}
