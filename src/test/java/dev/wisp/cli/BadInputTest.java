package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Wrong input ends in one line that names it, and exit code 2. */
class BadInputTest {
  @TempDir static Path folder;
  private static Path data = Path.of("");

  @BeforeAll
  static void draw() {
    data = CliSupport.dataset(folder.resolve("data"));
  }

  private static String at(String name) {
    return folder.resolve(name).toString();
  }

  private static String file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content).toString();
  }

  private static String folderWith(String name, String file, String content) throws IOException {
    Path made = Files.createDirectories(folder.resolve(name));
    Files.writeString(made.resolve(file), content);
    return made.toString();
  }

  /** A command line and what its error must contain. */
  private record Case(String expected, String... arguments) {}

  @TestFactory
  Stream<DynamicTest> everyCommandNamesWhatIsWrong() throws IOException {
    String d = data.toString();
    String notWeights = file("weights.safetensors", "no weights at all");
    String empty = file("empty.pth", "");
    String missing = at("missing");
    String out = "--out=" + at("o");
    String badCsv = folderWith("badcsv", "labels.csv", "image,labels\nnowhere.png,cat\n");
    String recipe = file("wrong.yaml", "training:\n  batches: 3\n");
    return Stream.of(
            new Case("give a command"),
            new Case("there is no command 'bogus'; choose one of demo, doctor", "bogus"),
            new Case("--bogus", "doctor", "--bogus"),
            new Case("--classes is 0; give 1..1000", "doctor", "--plan", "--classes=0"),
            new Case("training.bogus", "doctor", "--plan", "--set=training.bogus=1"),
            new Case("belong to --plan", "doctor", "--recipe=demo"),
            new Case("holds a dataset already", "synth", d),
            new Case("size is 9", "synth", at("s1"), "--size=9"),
            new Case("classes is 50", "synth", at("s2"), "--classes=50"),
            new Case("'many' is not a whole number", "synth", at("s3"), "--train=many"),
            new Case("--data", "pretrain", "--run=" + at("r")),
            new Case("missing", "pretrain", "--data=" + missing, "--run=" + at("r")),
            new Case("nolist", "pretrain", "--data=" + d, "--list=nolist", "--run=" + at("r")),
            new Case("nowhere.png", "pretrain", "--data=" + badCsv, "--run=" + at("r")),
            new Case(
                "do not fill one batch",
                "pretrain",
                "--data=" + d,
                "--run=" + at("r"),
                "--recipe=demo"),
            new Case(
                "leave out --resume",
                "pretrain",
                "--data=" + d,
                "--run=" + at("r"),
                "--resume",
                "--set=pretraining.batch=2"),
            new Case(
                "wisp: --resume, --force are mutually exclusive",
                "pretrain",
                "--data=" + d,
                "--run=" + at("r"),
                "--resume",
                "--force"),
            new Case(
                "training.batches",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + notWeights,
                "--recipe=" + recipe),
            new Case(
                "training.bogus",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + notWeights,
                "--set=training.bogus=1"),
            new Case(
                "missing",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + missing,
                "--recipe=demo",
                "--set=training.batch=2"),
            new Case(
                "weights.safetensors",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + notWeights,
                "--recipe=demo",
                "--set=training.batch=2"),
            new Case(
                "empty.pth",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + empty,
                "--recipe=demo",
                "--set=training.batch=2"),
            new Case(
                "--select-with-masks",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + notWeights,
                "--recipe=demo",
                "--set=training.batch=2",
                "--select-with-masks"),
            new Case(
                "weights.safetensors",
                "label",
                "--data=" + d,
                "--weights=" + notWeights,
                "--out=" + at("o")),
            new Case("missing", "label", "--data=" + d, "--weights=" + missing, "--out=" + at("o")),
            new Case("missing", "eval", "--data=" + d, "--labels=" + missing),
            new Case("none of the 3 images", "eval", "--data=" + d, "--labels=" + badCsv),
            new Case("--convention", "eval", "--data=" + d, "--labels=" + d, "--convention=other"),
            new Case("missing", "convert", missing, at("x.safetensors")),
            new Case("empty.pth", "convert", empty, at("x.safetensors")),
            new Case(".safetensors, .pth, .npz", "convert", notWeights, at("x.txt")),
            new Case("no operation", "selftest", "--only=nothing"),
            new Case("no golden vectors", "selftest", "--only=pamrSteps", "--golden=no/such"),
            new Case("no folder ae_sipe", "selftest", "--only=pamrSteps", "--golden=" + d),
            new Case("no kernel", "bench", "--only=nothing"),
            new Case("--batch is 0; give 1..256", "bench", "--batch=0"),
            new Case("--repeats is 0", "bench", "--repeats=0"),
            new Case(
                "--set training.epochs=many: training.epochs is \"many\"; give a whole number",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + notWeights,
                "--set=training.epochs=many"),
            new Case(
                "--set method.pamr.dilations=[1,: malformed value",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + notWeights,
                "--set=method.pamr.dilations=[1,"),
            new Case(
                "line 2: malformed YAML",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + notWeights,
                "--recipe=" + file("torn.yaml", "training:\n  batch: [3\n")),
            new Case(
                "--recipe",
                "train",
                "--data=" + d,
                "--run=" + at("r"),
                "--weights=" + notWeights,
                "--recipe"),
            new Case(
                "empty.pth: cannot write: it is a file; name a folder", "demo", "--run=" + empty),
            new Case(
                "empty.pth: cannot write: it is a file; name a folder",
                "pretrain",
                "--data=" + d,
                "--run=" + empty,
                "--recipe=demo",
                "--set=pretraining.batch=2"),
            new Case("--device is tpu; give one of auto", "doctor", "--device=tpu"),
            new Case("--threads is -3", "doctor", "--threads=-3"),
            new Case("tpu", "selftest", "--device=tpu"),
            new Case("cuda", "selftest", "--device=cuda"),
            new Case("--threads", "selftest", "--threads=-3"),
            new Case("holds a demo already", "demo", "--run=" + demoFolder()),
            new Case("missing: no such folder", "crf", "--data=" + d, "--labels=" + missing, out),
            new Case(
                "empty.pth: cannot write: it is a file; name a folder",
                "crf",
                "--data=" + d,
                "--list=val",
                "--labels=" + d,
                "--out=" + empty),
            new Case("choose one of labels, train, refine", "irn", "bogus"),
            new Case(
                "make maps with: wisp label",
                "irn",
                "labels",
                "--data=" + d,
                "--list=train",
                "--maps=" + missing,
                out),
            new Case(
                "weights.safetensors: neither safetensors nor a PyTorch checkpoint",
                "irn",
                "refine",
                "--data=" + d,
                "--list=train",
                "--maps=" + d,
                "--weights=" + notWeights,
                out),
            new Case(
                "--weights",
                "irn",
                "train",
                "--data=" + d,
                "--list=train",
                "--labels=" + d,
                "--run=" + at("r")),
            new Case("give a command: wisp deeplab train", "deeplab"),
            new Case(
                "make labels with: wisp label",
                "deeplab",
                "train",
                "--data=" + d,
                "--labels=" + missing,
                "--weights=" + notWeights,
                "--run=" + at("r")),
            new Case(
                "empty.pth",
                "deeplab",
                "train",
                "--data=" + d,
                "--labels=" + data.resolve("SegmentationClass"),
                "--weights=" + empty,
                "--run=" + at("r"),
                "--recipe=demo",
                "--set=segmentation.batch=2"),
            new Case("--weights", "segment", out, "x.jpg"),
            new Case("missing: no such weights file", "segment", "--weights=" + missing, out, "x"),
            new Case("weights.safetensors", "segment", "--weights=" + notWeights, out, "x.jpg"),
            new Case("missing.yaml", "pipeline", at("missing.yaml")),
            new Case("unknown key bogus", "pipeline", "demo", "--set=bogus=1"),
            new Case("it is a file; name a folder", "pipeline", "demo", "--run=" + empty),
            new Case(
                "weights.safetensors",
                "ablate",
                "--data=" + d,
                "--list=val",
                "--weights=" + notWeights,
                out),
            new Case("missing: no such folder", "report", missing),
            new Case("empty.pth: no such folder", "report", empty),
            new Case("missing: no such folder", "serve", missing),
            new Case("--port is 99999; give 0..65535", "serve", d, "--port=99999"))
        .map(
            test ->
                DynamicTest.dynamicTest(
                    ("wisp " + String.join(" ", test.arguments)).replace(folder.toString(), ""),
                    () -> assertThat(wisp(test.arguments).error()).contains(test.expected)));
  }

  private static String demoFolder() throws IOException {
    Files.createDirectories(folder.resolve("demo/data"));
    return at("demo");
  }

  @Test
  void everyCommandExplainsItselfWithAnExample() {
    List<String> commands =
        GroupedHelp.GROUPS.values().stream()
            .flatMap(List::stream)
            .filter(name -> wisp("--help").ok().out().contains("  " + name + " "))
            .toList();
    assertThat(commands)
        .contains(
            "demo", "doctor", "selftest", "synth", "convert", "pretrain", "train", "label", "eval");
    for (String command : commands) {
      assertThat(wisp(command, "--help").ok().out()).contains("Example: wisp " + command);
    }
  }

  @Test
  void doctorSaysWhatABugReportNeeds() {
    String report = wisp("doctor").ok().out();
    assertThat(report).containsPattern("wisp: +\\d+\\.\\d+\\.\\d+");
    assertThat(report)
        .contains("java:", "system:", "java options:", "environment:", "memory:", "disk:")
        .contains("cpu backend:", "Wisp can compute here.");
  }

  @Test
  void synthAndEvalAgreeThatTheTruthScoresFully() {
    String masks = data.resolve("SegmentationClass").toString();
    assertThat(wisp("eval", "--data=" + data, "--labels=" + masks).ok().out())
        .contains("mIoU")
        .contains("100.00")
        .contains("3 images");
  }
}
