package dev.wisp.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.CounterRandom;
import dev.wisp.common.WispException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
  @TempDir Path folder;

  @Test
  void everyWrittenTensorComesBackWithItsShapeAndMetadata() {
    Path file = folder.resolve("deep/er/model.safetensors");
    float[] large = new float[300_007];
    for (int i = 0; i < large.length; i++) {
      large[i] = i * 0.5f - 7;
    }
    Safetensors.write(
        file,
        List.of(
            TensorEntry.ofBytes("b", new long[] {3}, new byte[] {0, 1, (byte) 255}),
            TensorEntry.ofFloats("layer1.0.conv1.weight", new long[] {300_007}, () -> large),
            TensorEntry.ofDoubles("d", new long[] {1, 2}, new double[] {Math.PI, -0.0}),
            TensorEntry.ofLongs("scalar", new long[0], new long[] {Long.MIN_VALUE}),
            TensorEntry.ofInts("i", new long[] {2, 1}, new int[] {-5, Integer.MAX_VALUE}),
            TensorEntry.ofBooleans("flag", new long[] {2}, new boolean[] {true, false}),
            TensorEntry.ofFloats("empty", new long[] {0, 4}, new float[0])),
        Map.of("step", "12", "näme", "line\nbreak \"quoted\""));
    try (Safetensors read = Safetensors.open(file)) {
      assertThat(read.names()).hasSize(7).contains("layer1.0.conv1.weight", "scalar");
      assertThat(read.metadata())
          .containsExactlyInAnyOrderEntriesOf(
              Map.of("step", "12", "näme", "line\nbreak \"quoted\""));
      assertThat(read.floats("layer1.0.conv1.weight")).isEqualTo(large);
      try (FloatSource pieces = read.pieces("layer1.0.conv1.weight")) {
        float[] piece = new float[100_000];
        pieces.read(200_000, piece, 100_000);
        assertThat(piece).isEqualTo(Arrays.copyOfRange(large, 200_000, 300_000));
        pieces.read(300_006, piece, 1);
        assertThat(piece[0]).isEqualTo(large[300_006]);
        assertThatThrownBy(() -> pieces.read(300_000, piece, 8))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
      try (FloatSource pieces = read.pieces("d")) {
        float[] piece = new float[1];
        pieces.read(0, piece, 1);
        assertThat(piece).containsExactly((float) Math.PI);
      }
      assertThat(read.bytes("b")).containsExactly(0, 1, 255);
      assertThat(read.longs("b")).containsExactly(0, 1, 255);
      assertThat(read.doubles("d")).containsExactly(Math.PI, -0.0);
      assertThat(read.shape("d")).containsExactly(1, 2);
      assertThat(read.longs("scalar")).containsExactly(Long.MIN_VALUE);
      assertThat(read.shape("scalar")).isEmpty();
      assertThat(read.longs("i")).containsExactly(-5, Integer.MAX_VALUE);
      assertThat(read.longs("flag")).containsExactly(1, 0);
      assertThat(read.type("flag")).isEqualTo(ElementType.BOOL);
      assertThat(read.floats("empty")).isEmpty();
    }
  }

  @Test
  void halvesAndBrainFloatsAreWidenedExactly() throws IOException {
    byte[] data = {0, 0x3C, 0x01, 0x00, (byte) 0x80, 0x3F, (byte) 0xC0, 0x7F};
    Path file =
        raw(
            "{\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},"
                + "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[4,8]}}",
            data);
    try (Safetensors read = Safetensors.open(file)) {
      assertThat(read.floats("h")).containsExactly(1f, 0x1p-24f);
      assertThat(read.doubles("b")).containsExactly(1.0, Double.NaN);
    }
  }

  @Test
  void narrowAndUnsignedIntegersKeepTheirValues() throws IOException {
    byte[] data = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    Path file =
        raw(
            "{\"u32\":{\"dtype\":\"U32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                + "\"u16\":{\"dtype\":\"U16\",\"shape\":[1],\"data_offsets\":[4,6]},"
                + "\"i16\":{\"dtype\":\"I16\",\"shape\":[1],\"data_offsets\":[6,8]},"
                + "\"i8\":{\"dtype\":\"I8\",\"shape\":[3],\"data_offsets\":[8,11]}}",
            data);
    try (Safetensors read = Safetensors.open(file)) {
      assertThat(read.longs("u32")).containsExactly(0xFFFFFFFFL);
      assertThat(read.longs("u16")).containsExactly(65535);
      assertThat(read.floats("i16")).containsExactly(-1f);
      assertThat(read.longs("i8")).containsExactly(-1, -1, -1);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | 1 | 1 unused bytes after the last tensor",
        "[] | 0 | the header is not an object",
        "nonsense | 0 | malformed header",
        "{}x | 0 | malformed header",
        "{\"a\":1} | 0 | entry 'a' is not an object",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}} | 4 | needs a dtype, a shape and two"
            + " data_offsets",
        "{\"a\":{\"dtype\":\"Q4\",\"shape\":[1],\"data_offsets\":[0,4]}} | 4 | not known: Q4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}} | 4 | needs 8 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}} | 4 | needs 4 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}} | 4 | negative",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}} | 4 | whole numbers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}} | 4 | unknown"
            + " entry",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}} | 4 |"
            + " larger than any memory",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}} | 4 |"
            + " malformed header",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | 4 | truncated",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}} | 3 | unused bytes before",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\","
            + "\"shape\":[2],\"data_offsets\":[1,3]}} | 3 | tensor 'b' overlaps another",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":{\"dtype\":\"U8\","
            + "\"shape\":[0],\"data_offsets\":[0,0]}} | 0 | Duplicate",
        "{\"__metadata__\":{\"a\":1}} | 0 | metadata 'a' is not a string",
      })
  void aMalformedHeaderIsRefusedInOneLineNamingTheFile(String header, int bytes, String problem)
      throws IOException {
    Path file = raw(header, new byte[bytes]);
    assertThatThrownBy(() -> Safetensors.open(file))
        .isInstanceOf(WispException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(problem)
        .hasMessageNotContaining("\n");
  }

  @Test
  void anAbsurdHeaderLengthTakesNoMemory() throws IOException {
    Path file = folder.resolve("huge.safetensors");
    for (long length : new long[] {Long.MAX_VALUE, -1, 0, 99_000_000}) {
      Files.write(
          file, ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
      assertThatThrownBy(() -> Safetensors.open(file))
          .isInstanceOf(WispException.class)
          .hasMessageContaining("huge.safetensors");
    }
  }

  @Test
  void everyTruncationIsRefused() throws IOException {
    Path file = folder.resolve("whole.safetensors");
    Safetensors.write(
        file,
        List.of(
            TensorEntry.ofFloats("a", new long[] {3}, new float[3]),
            TensorEntry.ofBytes("b", new long[] {5}, new byte[5])),
        Map.of("k", "v"));
    byte[] whole = Files.readAllBytes(file);
    Path cut = folder.resolve("cut.safetensors");
    for (int length = 0; length < whole.length; length++) {
      Files.write(cut, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> Safetensors.open(cut))
          .isInstanceOf(WispException.class)
          .hasMessageContaining("cut.safetensors");
    }
  }

  @Test
  void aDamagedHeaderNeverThrowsAnythingElse() throws IOException {
    Path file = folder.resolve("whole.safetensors");
    Safetensors.write(
        file, List.of(TensorEntry.ofFloats("a", new long[] {3}, new float[3])), Map.of("k", "v"));
    byte[] whole = Files.readAllBytes(file);
    CounterRandom random = CounterRandom.of(20, 1);
    for (int trial = 0; trial < 600; trial++) {
      byte[] damaged = whole.clone();
      for (int i = 0; i <= trial % 3; i++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, damaged);
      try (Safetensors read = Safetensors.open(file)) {
        for (String name : read.names()) {
          assertThat(read.doubles(name)).isNotNull();
        }
      } catch (WispException expected) {
        assertThat(expected.getMessage()).contains(file.toString()).doesNotContain("\n");
      }
    }
  }

  @Test
  void aMissingNameAWrongTypeAndAMissingFileAreNamed() {
    Path file = folder.resolve("m.safetensors");
    Safetensors.write(
        file, List.of(TensorEntry.ofFloats("a", new long[] {1}, new float[1])), Map.of());
    try (Safetensors read = Safetensors.open(file)) {
      assertThatThrownBy(() -> read.floats("fc.weight"))
          .isInstanceOf(WispException.class)
          .hasMessage(file + ": has no tensor 'fc.weight'");
      assertThatThrownBy(() -> read.longs("a")).hasMessageContaining("holds F32 elements");
      assertThatThrownBy(() -> read.bytes("a")).hasMessageContaining("where bytes are expected");
    }
    assertThatThrownBy(() -> Safetensors.open(folder.resolve("none")))
        .isInstanceOf(WispException.class)
        .hasMessage(folder.resolve("none") + ": cannot read: no such file");
  }

  @Test
  void useAfterCloseFails() {
    Path file = folder.resolve("m.safetensors");
    Safetensors.write(
        file, List.of(TensorEntry.ofFloats("a", new long[] {1}, new float[1])), Map.of());
    Safetensors read = Safetensors.open(file);
    read.close();
    read.close();
    assertThatThrownBy(() -> read.floats("a")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aFailedWriteLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = folder.resolve("m.safetensors");
    Safetensors.write(
        file, List.of(TensorEntry.ofFloats("a", new long[] {1}, new float[] {4})), Map.of());
    assertThatThrownBy(
            () ->
                Safetensors.write(
                    file,
                    List.of(TensorEntry.ofFloats("a", new long[] {2}, () -> new float[1])),
                    Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("shape asks for 2 elements");
    try (Safetensors read = Safetensors.open(file);
        Stream<Path> all = Files.list(folder)) {
      assertThat(read.floats("a")).containsExactly(4);
      assertThat(all).containsExactly(file);
    }
  }

  @Test
  void twoEntriesOfOneNameAreRefused() {
    TensorEntry entry = TensorEntry.ofFloats("a", new long[] {1}, new float[1]);
    assertThatThrownBy(
            () -> Safetensors.write(folder.resolve("m"), List.of(entry, entry), Map.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private Path raw(String header, byte[] data) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
    out.write(json);
    out.write(data);
    return Files.write(folder.resolve("raw.safetensors"), out.toByteArray());
  }
}
