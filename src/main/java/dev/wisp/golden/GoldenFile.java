package dev.wisp.golden;

import static dev.wisp.golden.GoldenMismatch.require;

import dev.wisp.io.TensorFile;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * One file of golden tensors. A tensor {@code X} may be stored whole, or as {@code X@shape}, {@code
 * X@stats} and, unless only its statistics are kept, {@code X@stride} and {@code X@sample}.
 */
public final class GoldenFile implements AutoCloseable {
  /** The folder's rule for tensors without an entry: this times the largest value. */
  private static final double RELATIVE_FALLBACK = 1e-5;

  private final String stem;
  private final TensorFile tensors;
  private final JsonNode tolerances;

  GoldenFile(String stem, TensorFile tensors, JsonNode tolerances) {
    this.stem = stem;
    this.tensors = tensors;
    this.tolerances = tolerances;
  }

  public String stem() {
    return stem;
  }

  /** The tensors as stored. */
  public TensorFile tensors() {
    return tensors;
  }

  /**
   * Cases in the file's order: what stands before the first slash of the tensors' names. There is
   * at least one, or the comparison fails.
   */
  public List<String> cases() {
    List<String> cases =
        tensors.names().stream()
            .filter(name -> name.indexOf('/') > 0)
            .map(name -> name.substring(0, name.indexOf('/')))
            .distinct()
            .toList();
    require(!cases.isEmpty(), "no cases in %s", tensors.path());
    return cases;
  }

  /**
   * What stands up to the first dot of the tensors' names, as {@code 1.}, in the file's order.
   * There is at least one.
   */
  List<String> numbered() {
    List<String> names =
        tensors.names().stream()
            .map(name -> name.substring(0, name.indexOf('.') + 1))
            .distinct()
            .toList();
    require(!names.isEmpty(), "no cases in %s", tensors.path());
    return names;
  }

  /** Starts a case's report; label says what was compared, such as the backend's name. */
  public GoldenCase start(String name, String label) {
    return new GoldenCase(this, name, label);
  }

  /** Whether a tensor is stored, whole or sampled. */
  public boolean has(String name) {
    return tensors.contains(name) || tensors.contains(name + "@shape");
  }

  /** The stored elements, row-major: all, or those of the sample. */
  public double[] values(String name) {
    String sample = name + "@sample";
    return tensors.doubles(tensors.contains(sample) ? sample : name);
  }

  /** Distance of the stored elements: 1 where the tensor is whole. */
  public int stride(String name) {
    return tensors.contains(name + "@sample") ? ints(name + "@stride")[0] : 1;
  }

  /** The statistics of the whole tensor where they are stored. */
  public Optional<double[]> stats(String name) {
    String stats = name + "@stats";
    return tensors.contains(stats) ? Optional.of(tensors.doubles(stats)) : Optional.empty();
  }

  /** What the file says of a case in words; empty where it says nothing. */
  public String note(String name) {
    return tensors.metadata().getOrDefault("note:" + name, "");
  }

  /** A text entry that the file must have. */
  public String text(String key) {
    String text = tensors.metadata().get(key);
    require(text != null, "%s: no entry '%s'", tensors.path(), key);
    return Objects.requireNonNull(text);
  }

  /** Sizes of a tensor, whole or sampled. */
  public long[] shape(String name) {
    return tensors.contains(name + "@shape") ? tensors.longs(name + "@shape") : tensors.shape(name);
  }

  /** Sizes as ints. */
  public int[] dims(String name) {
    long[] shape = shape(name);
    int[] dims = new int[shape.length];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = Math.toIntExact(shape[i]);
    }
    return dims;
  }

  /** The elements of an integer tensor as ints. */
  public int[] ints(String name) {
    long[] values = tensors.longs(name);
    int[] ints = new int[values.length];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = Math.toIntExact(values[i]);
    }
    return ints;
  }

  /** Absolute tolerance: the folder's recommendation, else its rule 1e-5 * max|value|. */
  double tolerance(String name, double largest) {
    JsonNode entry = tolerances.path(name).path("recommended_atol");
    JsonNode share = tolerances.path(name).path("suggested").path("rel_to_max");
    return entry.isNumber()
        ? entry.asDouble()
        : largest * (share.isNumber() ? share.asDouble() : RELATIVE_FALLBACK);
  }

  /** Tolerance of the relative L2 difference of a gradient or an update; the README asks 2e-2. */
  double relativeL2(String name) {
    JsonNode entry = tolerances.path(name).path("recommended_rel_l2");
    return entry.isNumber() ? entry.asDouble() : 2e-2;
  }

  /**
   * A figure that the folder suggests for a tensor.
   *
   * @param name of the tensor
   * @param key such as {@code rel_l2}
   */
  double suggested(String name, String key) {
    JsonNode entry = tolerances.path(name).path("suggested").path(key);
    require(entry.isNumber(), "no suggested %s of %s in %s", key, name, stem);
    return entry.asDouble();
  }

  @Override
  public void close() {
    tensors.close();
  }
}
