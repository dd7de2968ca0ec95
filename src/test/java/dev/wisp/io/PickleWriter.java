package dev.wisp.io;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes pickles of protocol 2, opcode by opcode, as Python's pickler and torch.save do. */
final class PickleWriter {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  PickleWriter() {
    raw(0x80, 2);
  }

  /** The pickle, ended by STOP. */
  byte[] end() {
    raw('.');
    return out.toByteArray();
  }

  PickleWriter raw(int... bytes) {
    for (int b : bytes) {
      out.write(b);
    }
    return this;
  }

  PickleWriter global(String module, String name) {
    raw('c');
    out.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
    return this;
  }

  PickleWriter string(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    raw('X').little(utf8.length, 4);
    out.writeBytes(utf8);
    return this;
  }

  /** As Python 2 stores a str. */
  PickleWriter shortString(String text) {
    raw('U', text.length());
    out.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    return this;
  }

  PickleWriter integer(long value) {
    if (value >= 0 && value < 256) {
      return raw('K', (int) value);
    }
    if (value == (int) value) {
      return raw('J').little(value, 4);
    }
    return big(BigInteger.valueOf(value));
  }

  PickleWriter big(BigInteger value) {
    byte[] bytes = value.toByteArray();
    raw(0x8a, bytes.length);
    for (int i = bytes.length - 1; i >= 0; i--) {
      out.write(bytes[i]);
    }
    return this;
  }

  PickleWriter sizes(long... sizes) {
    raw('(');
    for (long size : sizes) {
      integer(size);
    }
    return raw('t');
  }

  PickleWriter memo(int key) {
    return raw('q', key);
  }

  private PickleWriter little(long value, int bytes) {
    byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    out.write(all, 0, bytes);
    return this;
  }
}
