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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpyTest {
  @TempDir Path folder;

  private static List<TensorEntry> arrays() {
    return List.of(
        TensorEntry.ofFloats("map", new long[] {2, 1, 3}, new float[] {1, -0f, 3, 4, 5, 1e-42f}),
        TensorEntry.ofDoubles("double", new long[] {1}, new double[] {Math.E}),
        TensorEntry.ofLongs("keys", new long[0], new long[] {-9}),
        TensorEntry.ofInts("int", new long[] {2}, new int[] {-1, 7}),
        TensorEntry.ofBytes("byte", new long[] {0, 4}, new byte[0]),
        TensorEntry.ofBooleans("flag", new long[] {3}, new boolean[] {true, false, true}));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void npzArraysComeBackAsWritten(boolean deflated) throws IOException {
    Path path = folder.resolve("a.npz");
    NpzFile.write(path, arrays(), deflated);
    try (NpzFile file = NpzFile.open(path)) {
      assertThat(file.names()).containsExactly("map", "double", "keys", "int", "byte", "flag");
      assertThat(file.shape("map")).containsExactly(2, 1, 3);
      assertThat(file.floats("map")).containsExactly(1, -0f, 3, 4, 5, 1e-42f);
      assertThat(file.doubles("double")).containsExactly(Math.E);
      assertThat(file.shape("keys")).isEmpty();
      assertThat(file.longs("keys")).containsExactly(-9);
      assertThat(file.longs("int")).containsExactly(-1, 7);
      assertThat(file.type("int")).isEqualTo(ElementType.I32);
      assertThat(file.bytes("byte")).isEmpty();
      assertThat(file.longs("flag")).containsExactly(1, 0, 1);
      assertThatThrownBy(() -> file.floats("x")).hasMessage(path + ": has no tensor 'x'");
    }
    byte[] first = Files.readAllBytes(path);
    NpzFile.write(path, arrays(), deflated);
    assertThat(path).hasBinaryContent(first);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anArrayWrittenInPiecesGivesTheBytesOfAWholeOne(boolean deflated) throws IOException {
    float[] values = new float[FloatSource.PIECE + 7];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 0.25f - 3;
    }
    long[] shape = {values.length};
    Path whole = folder.resolve("whole.npz");
    Path pieces = folder.resolve("pieces.npz");
    NpzFile.write(whole, List.of(TensorEntry.ofFloats("0", shape, values)), deflated);
    List<Integer> closed = new ArrayList<>();
    FloatSource source =
        new FloatSource() {
          @Override
          public void read(long at, float[] into, int count) {
            System.arraycopy(values, (int) at, into, 0, count);
          }

          @Override
          public void close() {
            closed.add(1);
          }
        };
    int[] opened = new int[1];
    NpzFile.write(
        pieces,
        List.of(
            TensorEntry.ofPieces(
                "0",
                shape,
                () -> {
                  opened[0]++;
                  return source;
                })),
        deflated);
    assertThat(pieces).hasBinaryContent(Files.readAllBytes(whole));
    assertThat(closed).hasSize(opened[0]).isNotEmpty();
    try (NpzFile file = NpzFile.open(pieces)) {
      float[] two = new float[2];
      file.pieces("0").read(5, two, 2);
      assertThat(two).containsExactly(-1.75f, -1.5f);
    }
  }

  @Test
  void npyArraysComeBackAsWritten() {
    for (TensorEntry entry : arrays()) {
      Path path = folder.resolve("a.npy");
      NpyFile.write(path, entry);
      NpyArray array = NpyFile.read(path);
      assertThat(array.shape()).isEqualTo(entry.shape());
      assertThat(array.type()).isEqualTo(entry.type());
    }
  }

  @Test
  void theHeaderIsThatOfNumPy() throws IOException {
    Path path = folder.resolve("a.npy");
    NpyFile.write(path, TensorEntry.ofFloats("", new long[] {3}, new float[3]));
    String text = Files.readString(path, StandardCharsets.ISO_8859_1);
    assertThat(text.substring(1))
        .startsWith("NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }       ");
    assertThat(text.charAt(127)).isEqualTo('\n');
    assertThat(text).hasSize(128 + 12);
  }

  @ParameterizedTest
  @CsvSource({"1, <", "2, >", "3, <", "1, >"})
  void everyVersionAndByteOrderIsRead(int version, char order) throws IOException {
    ByteBuffer data =
        ByteBuffer.allocate(12)
            .order(order == '<' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    data.putShort((short) -2).putShort((short) 3).putDouble(1.5);
    Path shorts = npy(version, order + "i2", "False", "(2,)", Arrays.copyOf(data.array(), 4));
    assertThat(NpyFile.read(shorts).longs()).containsExactly(-2, 3);
    Path doubles =
        npy(version, order + "f8", "False", "()", Arrays.copyOfRange(data.array(), 4, 12));
    assertThat(NpyFile.read(doubles).doubles()).containsExactly(1.5);
  }

  @Test
  void columnMajorArraysAreTurned() throws IOException {
    byte[] data = {1, 4, 2, 5, 3, 6};
    Path path = npy(1, "|u1", "True", "(2, 3)", data);
    assertThat(NpyFile.read(path).bytes()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(NpyFile.read(path).shape()).containsExactly(2, 3);
    Path deep = npy(1, "|i1", "True", "(2, 1, 3)", data);
    assertThat(NpyFile.read(deep).longs()).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "<f4 ; False ; (1000000000, 1000000000) ; the file ends too early",
        "<f4 ; False ; (9223372036854775807, 9) ; larger than any memory",
        "<f4 ; False ; (99999999999999999999,) ; unsupported npy header",
        "<f4 ; Maybe ; (1,) ; unsupported npy header",
        "<f4 ; False ; (-1,) ; unsupported npy header",
        "<c8 ; False ; (1,) ; unsupported NumPy element type",
        "<U3 ; False ; (1,) ; unsupported NumPy element type",
        "|O ; False ; () ; Python objects",
        "<f4 ; False ; (3,) ; the file ends too early",
      })
  void aMalformedArrayIsRefusedByName(String descr, String order, String shape, String problem)
      throws IOException {
    Path path = npy(1, descr, order, shape, new byte[4]);
    assertThatThrownBy(() -> NpyFile.read(path))
        .isInstanceOf(WispException.class)
        .hasMessageStartingWith(path.toString())
        .hasMessageContaining(problem)
        .hasMessageNotContaining("\n");
  }

  @Test
  void damagedFilesNeverThrowAnythingElse() throws IOException {
    Path path = folder.resolve("a.npz");
    CounterRandom random = CounterRandom.of(20, 3);
    for (boolean deflated : new boolean[] {false, true}) {
      NpzFile.write(path, arrays(), deflated);
      byte[] whole = Files.readAllBytes(path);
      for (int trial = 0; trial < 400; trial++) {
        byte[] damaged =
            trial < 50 ? Arrays.copyOf(whole, trial * whole.length / 50) : whole.clone();
        for (int i = 0; i < trial % 4 && damaged.length > 0; i++) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
        }
        Files.write(path, damaged);
        try (NpzFile file = NpzFile.open(path)) {
          file.names().forEach(file::doubles);
        } catch (WispException expected) {
          assertThat(expected.getMessage()).startsWith(path.toString()).doesNotContain("\n");
        }
      }
    }
  }

  @Test
  void aPickledDictionaryOfArraysIsRead() throws IOException {
    PickleWriter out = objectArray();
    for (String name : List.of("a", "b")) {
      out.string(name);
      numbers(out, "f4", "<", 2);
      // float 1 and 0 the way protocol 2 stores bytes: text to be encoded as latin1.
      out.global("_codecs", "encode").string("\0\0\u0080?\0\0\0\0").string("latin1");
      out.raw(0x86, 'R', 't', 'b');
    }
    Path path = npy(1, "|O", "False", "()", out.raw('u', 'a', 't', 'b').end());
    Map<String, NpyArray> arrays = NpyFile.readDictionary(path);
    assertThat(arrays).containsOnlyKeys("a", "b");
    assertThat(arrays.get("b"))
        .isNotNull()
        .extracting(NpyArray::floats)
        .isEqualTo(new float[] {1, 0});
  }

  @Test
  void aHostilePickleInAnArrayIsRefusedByName() throws IOException {
    PickleWriter out = objectArray().string("a").global("os", "system").string("id");
    Path path = npy(1, "|O", "False", "()", out.raw(0x85, 'R', 'u', 'a', 't', 'b').end());
    assertThatThrownBy(() -> NpyFile.readDictionary(path))
        .isInstanceOf(WispException.class)
        .hasMessageStartingWith(path + ": refused: the pickle asks for 'os.system'");
    PickleWriter few = objectArray().string("a");
    numbers(few, "f4", "<", 1_000_000);
    few.shortString("abcd").raw('t', 'b');
    Path claims = npy(1, "|O", "False", "()", few.raw('u', 'a', 't', 'b').end());
    assertThatThrownBy(() -> NpyFile.readDictionary(claims))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("an array's bytes are missing");
  }

  /** Up to the open dictionary inside an object array. */
  private static PickleWriter objectArray() {
    PickleWriter out = new PickleWriter();
    reconstruct(out);
    out.raw('(').integer(1).raw(')');
    dtype(out, "O8", "|");
    return out.raw(0x89, ']', '}', '(');
  }

  /** Up to the data of an array's state. */
  private static void numbers(PickleWriter out, String type, String order, int count) {
    reconstruct(out);
    out.raw('(').integer(1).integer(count).raw(0x85);
    dtype(out, type, order);
    out.raw(0x89);
  }

  private static void reconstruct(PickleWriter out) {
    out.global("numpy.core.multiarray", "_reconstruct").global("numpy", "ndarray");
    out.integer(0).raw(0x85).shortString("b").raw(0x87, 'R');
  }

  private static void dtype(PickleWriter out, String type, String order) {
    out.global("numpy", "dtype").string(type).integer(0).integer(1).raw(0x87, 'R', '(');
    out.integer(3).string(order).raw('N', 'N', 'N').integer(-1).integer(-1).integer(0);
    out.raw('t', 'b');
  }

  private Path npy(int version, String descr, String columnMajor, String shape, byte[] data)
      throws IOException {
    byte[] text =
        ("{'descr': '"
                + descr
                + "', 'fortran_order': "
                + columnMajor
                + ", 'shape': "
                + shape
                + ", }\n")
            .getBytes(StandardCharsets.US_ASCII);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    ByteBuffer length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(text.length);
    out.write(length.array(), 0, version == 1 ? 2 : 4);
    out.writeBytes(text);
    out.writeBytes(data);
    return Files.write(folder.resolve("made.npy"), out.toByteArray());
  }
}
