package dev.wisp.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.CounterRandom;
import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TorchFileTest {
  @TempDir Path folder;

  private static TorchFixture fixture() {
    return new TorchFixture()
        .floats("0", 0, 1, 2, 3, 4, 5, 6, 7)
        .storage("1", "LongStorage", 8, new byte[] {7, 0, 0, 0, 0, 0, 0, 0})
        .storage("2", "HalfStorage", 2, new byte[] {0, 0x3C, 0, (byte) 0xC0})
        .storage("3", "BFloat16Storage", 2, new byte[] {(byte) 0x80, 0x3F})
        .storage("4", "DoubleStorage", 8, new byte[] {0, 0, 0, 0, 0, 0, (byte) 0xE0, 0x3F})
        .storage("5", "BoolStorage", 1, new byte[] {1, 0})
        .tensor("conv1.weight", "0", 0, new long[] {2, 3}, new long[] {3, 1})
        .tensor("transposed", "0", 1, new long[] {3, 2}, new long[] {1, 3})
        .tensor("every.other", "0", 1, new long[] {3}, new long[] {2})
        .tensor("expanded", "0", 5, new long[] {2, 2}, new long[] {0, 1})
        .tensor("bn1.num_batches_tracked", "1", 0, new long[0], new long[0])
        .tensor("half", "2", 0, new long[] {2}, new long[] {1})
        .tensor("brain", "3", 0, new long[] {1}, new long[] {1})
        .tensor("double", "4", 0, new long[] {1, 1}, new long[] {1, 1})
        .tensor("flags", "5", 0, new long[] {2}, new long[] {1})
        .tensor("none", "5", 2, new long[] {0, 3}, new long[] {3, 1});
  }

  private static void assertFixture(TensorFile file) {
    assertThat(file.names()).hasSize(10).startsWith("conv1.weight", "transposed");
    assertThat(file.shape("conv1.weight")).containsExactly(2, 3);
    assertThat(file.floats("conv1.weight")).containsExactly(0, 1, 2, 3, 4, 5);
    assertThat(file.floats("transposed")).containsExactly(1, 4, 2, 5, 3, 6);
    assertThat(file.floats("every.other")).containsExactly(1, 3, 5);
    float[] piece = new float[2];
    file.pieces("transposed").read(3, piece, 2);
    assertThat(piece).containsExactly(5, 3);
    assertThat(file.doubles("expanded")).containsExactly(5, 6, 5, 6);
    assertThat(file.longs("bn1.num_batches_tracked")).containsExactly(7);
    assertThat(file.shape("bn1.num_batches_tracked")).isEmpty();
    assertThat(file.floats("half")).containsExactly(1, -2);
    assertThat(file.type("half")).isEqualTo(ElementType.F16);
    assertThat(file.floats("brain")).containsExactly(1);
    assertThat(file.floats("double")).containsExactly(0.5f);
    assertThat(file.longs("flags")).containsExactly(1, 0);
    assertThat(file.floats("none")).isEmpty();
    assertThatThrownBy(() -> file.floats("fc.weight"))
        .isInstanceOf(WispException.class)
        .hasMessage(file.path() + ": has no tensor 'fc.weight'");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theZipFormIsReadStoredAndDeflated(boolean deflated) throws IOException {
    Path path = fixture().zip(folder.resolve("r.pth"), deflated);
    try (TensorFile file = TensorFile.open(path)) {
      assertFixture(file);
    }
  }

  @Test
  void theLegacyFormIsRead() throws IOException {
    Path path = fixture().legacy(folder.resolve("r.pth"));
    try (TensorFile file = TensorFile.open(path)) {
      assertFixture(file);
    }
  }

  @Test
  void parametersNestedDictionariesAndPythonTwoAreRead() throws IOException {
    List<Path> files =
        List.of(
            fixture().asParameters().zip(folder.resolve("a"), false),
            fixture().nestedUnder("state_dict").zip(folder.resolve("b"), false),
            fixture().nestedUnder("model").asParameters().legacy(folder.resolve("c")),
            fixture().asPython2().legacy(folder.resolve("d")));
    for (Path path : files) {
      try (TensorFile file = TensorFile.open(path)) {
        assertFixture(file);
      }
    }
  }

  @Test
  void safetensorsAreToldFromCheckpointsByTheirContent() throws IOException {
    // Headers of 128 bytes begin with the first byte of a pickle.
    for (int length = 1; length < 80; length++) {
      Path path = folder.resolve("s");
      Safetensors.write(
          path,
          List.of(TensorEntry.ofFloats("n".repeat(length), new long[] {1}, new float[] {2})),
          Map.of());
      try (TensorFile file = TensorFile.open(path)) {
        assertThat(file.floats("n".repeat(length))).containsExactly(2);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "posix, system",
    "os, system",
    "nt, system",
    "builtins, eval",
    "__builtin__, exec",
    "subprocess, Popen",
    "torch, load",
    "torch.nn.modules.linear, Linear",
    "numpy.core.multiarray, _reconstruct",
    "collections, OrderedDict.fromkeys",
    "torch, FloatStorage.from_file",
  })
  void aPickleThatAsksForAnythingElseIsRefusedByName(String module, String name)
      throws IOException {
    byte[] call =
        new PickleWriter().global(module, name).string("touch /tmp/x").raw(0x85, 'R').end();
    byte[] stacked = new PickleWriter().string(module).string(name).raw(0x93).raw(')', 0x81).end();
    for (byte[] pickle : List.of(call, stacked)) {
      for (Path path : List.of(zipOf(pickle), legacyOf(pickle))) {
        assertThatThrownBy(() -> TorchFile.open(path))
            .isInstanceOf(WispException.class)
            .hasMessageStartingWith(path + ": refused: the pickle asks for '" + module + "." + name)
            .hasMessageNotContaining("\n");
      }
    }
  }

  @Test
  void otherWaysToRunSomethingAreRefused() throws IOException {
    List<byte[]> pickles =
        List.of(
            // A call of a value, of a storage type, and of the result of a call.
            new PickleWriter().string("os.system").string("x").raw(0x85, 'R').end(),
            new PickleWriter().global("torch", "FloatStorage").integer(1).raw(0x85, 'R').end(),
            new PickleWriter().global("collections", "OrderedDict").raw(')', 'R', ')', 'R').end(),
            // INST, OBJ, extensions, NEWOBJ_EX.
            new PickleWriter().raw('(', 'i', 'o', 's', '\n', 'x', '\n').end(),
            new PickleWriter().raw('(').global("os", "system").raw('o').end(),
            new PickleWriter().raw(0x82, 1).end(),
            new PickleWriter().raw(')', '}', 0x92).end(),
            // State for something that is no dictionary; a persistent id that is no storage.
            new PickleWriter().string("x").raw('}', 'b').end(),
            new PickleWriter().string("x").raw('Q').end(),
            new PickleWriter().raw('P', 'x', '\n').end());
    for (byte[] pickle : pickles) {
      for (Path path : List.of(zipOf(pickle), legacyOf(pickle))) {
        assertThatThrownBy(() -> TorchFile.open(path))
            .isInstanceOf(WispException.class)
            .hasMessageStartingWith(path.toString())
            .hasMessageNotContaining("\n");
      }
    }
  }

  @Test
  void tensorsBeyondTheirStorageAreRefused() throws IOException {
    long[][][] views = {
      {{0}, {9}, {1}},
      {{8}, {1}, {1}},
      {{-1}, {1}, {1}},
      {{0}, {2, 2}, {7, 1}},
      {{0}, {Long.MAX_VALUE, 4}, {1, 1}},
      {{0}, {2, 2}, {Long.MAX_VALUE, Long.MAX_VALUE}},
      {{0}, {2_000_000_000}, {0}},
      {{0}, {-1}, {1}},
      {{0}, {1, 1}, {1}},
    };
    for (long[][] view : views) {
      TorchFixture fixture =
          new TorchFixture()
              .floats("0", 0, 1, 2, 3, 4, 5, 6, 7)
              .tensor("t", "0", view[0][0], view[1], view[2]);
      for (Path path :
          List.of(fixture.zip(folder.resolve("v"), false), fixture.legacy(folder.resolve("w")))) {
        assertThatThrownBy(() -> TorchFile.open(path))
            .as(Arrays.deepToString(view))
            .isInstanceOf(WispException.class)
            .hasMessageStartingWith(path.toString());
      }
    }
  }

  @Test
  void aSmallPickleCannotAskForMuchMemory() throws IOException {
    // Dictionaries made over and over from one long list, and strings said to be huge.
    PickleWriter copies = new PickleWriter().raw(']', '(');
    for (int i = 0; i < 2000; i++) {
      copies.string("k" + i).integer(1).raw(0x86);
    }
    copies.raw('e').memo(1).raw('0');
    for (int i = 0; i < 4000; i++) {
      copies.global("collections", "OrderedDict").raw('h', 1, 0x85, 'R');
    }
    List<byte[]> pickles =
        List.of(
            copies.end(),
            new PickleWriter().raw('X', 255, 255, 255, 255).end(),
            new PickleWriter().raw(0x8e, 255, 255, 255, 255, 255, 255, 255, 127).end(),
            new PickleWriter().raw(0x8b, 255, 255, 255, 127).end());
    for (byte[] pickle : pickles) {
      for (Path path : List.of(zipOf(pickle), legacyOf(pickle))) {
        assertThatThrownBy(() -> TorchFile.open(path)).isInstanceOf(WispException.class);
      }
    }
  }

  @Test
  void everyTruncationOfBothFormsIsRefused() throws IOException {
    for (byte[] whole :
        List.of(
            Files.readAllBytes(fixture().zip(folder.resolve("z"), false)),
            Files.readAllBytes(fixture().legacy(folder.resolve("l"))))) {
      Path cut = folder.resolve("cut.pth");
      for (int length = 0; length < whole.length; length += 3 + length / 50) {
        Files.write(cut, Arrays.copyOf(whole, length));
        assertThatThrownBy(() -> TorchFile.open(cut))
            .as("%d of %d bytes", length, whole.length)
            .isInstanceOf(WispException.class)
            .hasMessageStartingWith(cut.toString());
      }
    }
  }

  @Test
  void damagedCheckpointsNeverThrowAnythingElse() throws IOException {
    byte[] zip = Files.readAllBytes(fixture().zip(folder.resolve("z"), false));
    byte[] legacy = Files.readAllBytes(fixture().legacy(folder.resolve("l")));
    Path path = folder.resolve("damaged.pth");
    CounterRandom random = CounterRandom.of(20, 2);
    for (int trial = 0; trial < 800; trial++) {
      byte[] damaged = (trial % 2 == 0 ? zip : legacy).clone();
      for (int i = 0; i <= trial % 4; i++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Files.write(path, damaged);
      try (TorchFile file = TorchFile.open(path)) {
        for (String name : file.names()) {
          assertThat(file.doubles(name)).isNotNull();
        }
      } catch (WispException expected) {
        assertThat(expected.getMessage()).startsWith(path.toString()).doesNotContain("\n");
      }
    }
  }

  @Test
  void otherFilesAreNamedAsSuch() throws IOException {
    Path text = Files.writeString(folder.resolve("a.pth"), "hello, this is no checkpoint");
    assertThatThrownBy(() -> TorchFile.open(text)).hasMessageContaining("neither a zip nor a");
    Path zip = TorchFixture.zip(folder.resolve("b.pth"), Map.of("a.txt", new byte[1]), false);
    assertThatThrownBy(() -> TorchFile.open(zip)).hasMessageContaining("no data.pkl");
    assertThatThrownBy(() -> TorchFile.open(folder.resolve("none")))
        .hasMessage(folder.resolve("none") + ": cannot read: no such file");
    Path empty = zipOf(new PickleWriter().raw('}').end());
    assertThatThrownBy(() -> TorchFile.open(empty)).hasMessageContaining("holds no tensors");
    Map<String, byte[]> missing = new LinkedHashMap<>();
    missing.put("a/data.pkl", fixture().pickle(false));
    Path incomplete = TorchFixture.zip(folder.resolve("c.pth"), missing, false);
    assertThatThrownBy(() -> TorchFile.open(incomplete))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("storage '0' is missing");
  }

  private Path zipOf(byte[] pickle) throws IOException {
    return TorchFixture.zip(folder.resolve("h.zip"), Map.of("archive/data.pkl", pickle), false);
  }

  private Path legacyOf(byte[] pickle) throws IOException {
    return Files.write(folder.resolve("h.pth"), new TorchFixture().legacyBytes(pickle));
  }
}
