package dev.wisp.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.data.Sample;
import dev.wisp.data.synth.SynthDataset;
import dev.wisp.data.synth.SynthOptions;
import dev.wisp.io.Mask;
import dev.wisp.io.NpzFile;
import dev.wisp.io.TensorEntry;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs commands in this process on tiny data. */
final class CliSupport {
  /** Overrides that make a training of six steps on 48-pixel crops. */
  static final List<String> TINY =
      List.of(
          "--recipe=demo",
          "--set=training.epochs=6",
          "--set=training.batch=4",
          "--set=training.crop=48",
          "--set=training.longSideLow=40",
          "--set=training.longSideHigh=56",
          "--set=training.checkpointEvery=1",
          "--set=pretraining.epochs=1",
          "--set=pretraining.batch=4",
          "--set=pretraining.crop=48",
          "--set=pretraining.longSideLow=40",
          "--set=pretraining.longSideHigh=56",
          "--set=method.pamr.iterations=2");

  private CliSupport() {}

  /** What a command printed and its exit code. */
  record Outcome(int code, String out, String err) {
    /** The single line of a user's error. */
    String error() {
      assertThat(code).as(err).isEqualTo(ExitCodes.USER);
      assertThat(err.lines().filter(line -> line.startsWith("wisp:"))).as(err).hasSize(1);
      assertThat(err).doesNotContain("Exception").doesNotContain("\tat ");
      return err.strip();
    }

    Outcome ok() {
      assertThat(code).as(err).isZero();
      return this;
    }
  }

  static Outcome wisp(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Main.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
    return new Outcome(code, out.toString(), err.toString());
  }

  /** A command in a process of its own, not started yet. */
  static ProcessBuilder process(List<String> arguments) {
    List<String> line =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
                "-Dorg.bytedeco.javacpp.maxbytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    line.addAll(arguments);
    return new ProcessBuilder(line);
  }

  static Outcome wisp(List<String> more, String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(more);
    return wisp(all.toArray(String[]::new));
  }

  /** Four training and three scored images of 48 pixels. */
  static Path dataset(Path folder) {
    SynthDataset.write(new SynthOptions(48, 4, 3, 5, 7), folder);
    return folder;
  }

  /**
   * Maps of all images that know the truth, with holes: every fifth pixel looks like background.
   */
  static Path maps(Path data, Path into) {
    for (String list : List.of("train", "val")) {
      Dataset dataset = Datasets.open(data, list);
      for (Sample sample : dataset.samples()) {
        Mask truth = dataset.mask(sample);
        List<TensorEntry> entries = new ArrayList<>();
        entries.add(map(truth, 0));
        for (int id : sample.classes()) {
          entries.add(map(truth, id));
        }
        NpzFile.write(into.resolve(sample.id() + ".npz"), entries, false);
      }
    }
    return into;
  }

  private static TensorEntry map(Mask truth, int id) {
    float[] values = new float[truth.index().length];
    for (int p = 0; p < values.length; p++) {
      int shown = p % 5 == 0 ? 0 : truth.index()[p];
      values[p] = shown == id ? 0.9f : 0.2f;
    }
    long[] shape = {truth.height(), truth.width()};
    return TensorEntry.ofFloats(Integer.toString(id), shape, values);
  }
}
