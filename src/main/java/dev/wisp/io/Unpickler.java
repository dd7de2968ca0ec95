package dev.wisp.io;

import dev.wisp.io.Pickles.Budget;
import dev.wisp.io.Pickles.Maker;
import dev.wisp.io.Pickles.PickleException;
import dev.wisp.io.Pickles.Tuple;
import java.io.EOFException;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads Python's pickles, protocols 0 to 5, as data: a stack machine whose only effects are those
 * of a {@link Maker} with its list of allowed globals. Values become Long (BigInteger beyond 64
 * bits), Double, Boolean, String, byte[], ArrayList, LinkedHashMap, {@link Tuple} and {@link
 * Pickles#NONE}. Nesting does not recurse and memory goes with the length of the input.
 */
final class Unpickler {
  private static final Object MARK = new Object();
  private static final int LONGEST_INTEGER = 16;

  private final PickleInput in;
  private final Maker maker;
  private final Budget budget;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();

  private Unpickler(PickleInput in, Maker maker) {
    this.in = in;
    this.maker = maker;
    this.budget = new Budget((1 << 20) + 4 * in.remaining());
  }

  /**
   * Reads one pickle; the input then stands behind it.
   *
   * @throws PickleException for a malformed pickle or one that is refused
   */
  static Object read(PickleInput in, Maker maker) throws IOException {
    Unpickler machine = new Unpickler(in, maker);
    try {
      while (true) {
        int opcode = in.u1();
        if (opcode == '.') {
          return machine.pop();
        }
        machine.step(opcode);
      }
    } catch (EOFException e) {
      throw new PickleException("truncated pickle");
    } catch (NumberFormatException e) {
      throw new PickleException("malformed pickle: a number cannot be read");
    }
  }

  private void step(int opcode) throws IOException {
    switch (opcode) {
      case 0x80 -> protocol(in.u1());
      case 0x95 -> in.little(8); // FRAME: a hint for buffering
      case '0' -> pop();
      case '1' -> popMark();
      case '(' -> push(MARK);
      case '2' -> push(peek());
      case 'N' -> push(Pickles.NONE);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'c' -> push(maker.global(in.line(), in.line()));
      case 0x93 -> stackGlobal();
      case 'R', 0x81 -> call();
      case 'b' -> build();
      case 'P' -> push(maker.persistent(in.line()));
      case 'Q' -> push(maker.persistent(pop()));
      case 'g' -> push(recall(Long.parseLong(in.line())));
      case 'h' -> push(recall(in.u1()));
      case 'j' -> push(recall(in.little(4)));
      case 'p' -> memo.put(Long.parseLong(in.line()), peek());
      case 'q' -> memo.put((long) in.u1(), peek());
      case 'r' -> memo.put(in.little(4), peek());
      case 0x94 -> memo.put((long) memo.size(), peek());
      default -> {
        if (!number(opcode) && !text(opcode) && !container(opcode)) {
          throw unsupported(opcode);
        }
      }
    }
  }

  private boolean number(int opcode) throws IOException {
    switch (opcode) {
      case 'J' -> push((long) in.i4());
      case 'K' -> push((long) in.u1());
      case 'M' -> push(in.little(2));
      case 'I' -> {
        String line = in.line();
        push(line.equals("00") ? false : line.equals("01") ? true : (Object) Long.valueOf(line));
      }
      case 'L' -> push(Long.valueOf(in.line().replaceFirst("L$", "")));
      case 0x8a -> push(integer(in.u1()));
      case 0x8b -> push(integer(in.little(4)));
      case 'F' -> push(Double.valueOf(in.line()));
      case 'G' -> push(in.bigEndianDouble());
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean text(int opcode) throws IOException {
    switch (opcode) {
      case 'S' -> push(quoted(in.line()));
      case 'V' -> push(unescaped(in.line()));
      case 'U' -> push(in.latin1(in.u1()));
      case 'T' -> push(in.latin1(in.i4()));
      case 0x8c -> push(in.utf8(in.u1()));
      case 'X' -> push(in.utf8(in.little(4)));
      case 0x8d -> push(in.utf8(in.little(8)));
      case 'C' -> push(in.bytes(in.u1()));
      case 'B' -> push(in.bytes(in.little(4)));
      case 0x8e -> push(in.bytes(in.little(8)));
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean container(int opcode) throws IOException {
    switch (opcode) {
      case ']' -> push(new ArrayList<>());
      case '}' -> push(new LinkedHashMap<>());
      case ')' -> push(new Tuple(List.of()));
      case 't' -> push(new Tuple(popMark()));
      case 0x85 -> push(new Tuple(popSome(1)));
      case 0x86 -> push(new Tuple(popSome(2)));
      case 0x87 -> push(new Tuple(popSome(3)));
      case 'l' -> push(popMark());
      case 'd' -> {
        List<Object> items = popMark();
        Map<Object, Object> map = new LinkedHashMap<>();
        putAll(map, items);
        push(map);
      }
      case 'a' -> {
        Object item = pop();
        list(peek()).add(item);
      }
      case 'e' -> {
        List<Object> items = popMark();
        list(peek()).addAll(items);
      }
      case 's' -> {
        List<Object> items = popSome(2);
        putAll(map(peek()), items);
      }
      case 'u' -> {
        List<Object> items = popMark();
        putAll(map(peek()), items);
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private static void protocol(int version) throws PickleException {
    if (version > 5) {
      throw new PickleException("pickle protocol " + version + " is not known");
    }
  }

  private void stackGlobal() throws PickleException {
    String name = Pickles.string(pop());
    String module = Pickles.string(pop());
    push(maker.global(module, name));
  }

  private void call() throws PickleException {
    Tuple arguments = Pickles.tuple(pop());
    push(maker.call(pop(), arguments, budget));
  }

  private void build() throws PickleException {
    Object state = pop();
    maker.build(peek(), state);
  }

  private Object integer(long bytes) throws IOException {
    if (bytes > LONGEST_INTEGER) {
      throw new PickleException("malformed pickle: an integer of " + bytes + " bytes");
    }
    if (bytes == 0) {
      return 0L;
    }
    byte[] little = in.bytes(bytes);
    byte[] big = new byte[little.length];
    for (int i = 0; i < big.length; i++) {
      big[i] = little[little.length - 1 - i];
    }
    BigInteger value = new BigInteger(big);
    return value.bitLength() < 64 ? (Object) value.longValue() : value;
  }

  private static String quoted(String line) throws PickleException {
    int last = line.length() - 1;
    boolean quotes =
        last > 0 && line.charAt(0) == line.charAt(last) && "'\"".indexOf(line.charAt(0)) >= 0;
    if (!quotes) {
      throw new PickleException("malformed pickle: a string without quotes");
    }
    return unescaped(line.substring(1, last));
  }

  private static String unescaped(String line) throws PickleException {
    if (line.indexOf('\\') >= 0) {
      throw new PickleException("unsupported pickle: escapes in a protocol 0 string");
    }
    return line;
  }

  private Object recall(long key) throws PickleException {
    Object value = memo.get(key);
    if (value == null) {
      throw new PickleException("malformed pickle: it refers to a value it has not stored");
    }
    return value;
  }

  private void push(Object value) {
    stack.add(value);
  }

  private Object pop() throws PickleException {
    Object value = peek();
    stack.removeLast();
    return value;
  }

  private Object peek() throws PickleException {
    if (stack.isEmpty() || stack.getLast() == MARK) {
      throw new PickleException("malformed pickle: its stack is empty");
    }
    return stack.getLast();
  }

  private List<Object> popSome(int count) throws PickleException {
    List<Object> items = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      items.addFirst(pop());
    }
    return items;
  }

  private List<Object> popMark() throws PickleException {
    int mark = stack.lastIndexOf(MARK);
    if (mark < 0) {
      throw new PickleException("malformed pickle: a mark is missing");
    }
    List<Object> tail = stack.subList(mark, stack.size());
    List<Object> items = new ArrayList<>(tail.subList(1, tail.size()));
    tail.clear();
    return items;
  }

  @SuppressWarnings("unchecked")
  private static List<Object> list(Object value) throws PickleException {
    if (value instanceof ArrayList<?> list) {
      return (List<Object>) list;
    }
    throw new PickleException("malformed pickle: a list is expected");
  }

  @SuppressWarnings("unchecked")
  private static Map<Object, Object> map(Object value) throws PickleException {
    if (value instanceof LinkedHashMap<?, ?> map) {
      return (Map<Object, Object>) map;
    }
    throw new PickleException("malformed pickle: a dictionary is expected");
  }

  /** Keys are restricted to plain values: hashing nested ones may take for ever. */
  private static void putAll(Map<Object, Object> map, List<Object> items) throws PickleException {
    if (items.size() % 2 != 0) {
      throw new PickleException("malformed pickle: a key without a value");
    }
    for (int i = 0; i < items.size(); i += 2) {
      Object key = items.get(i);
      if (!(key instanceof String || key instanceof Long || key instanceof Boolean)) {
        throw new PickleException("unsupported pickle: a dictionary key of another kind");
      }
      map.put(key, items.get(i + 1));
    }
  }

  private static PickleException unsupported(int opcode) {
    return switch (opcode) {
      case 'i', 'o', 0x92 -> PickleException.refused("a new object of a class");
      case 0x82, 0x83, 0x84 -> PickleException.refused("a registered extension");
      default ->
          new PickleException("malformed or unsupported pickle: opcode 0x%02x".formatted(opcode));
    };
  }
}
