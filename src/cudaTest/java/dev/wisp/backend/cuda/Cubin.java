package dev.wisp.backend.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the compiler wrote about a file's kernels into its machine code: an ELF file with sections
 * {@code .nv.info} (attributes by symbol: registers, stack) and, of each kernel, {@code
 * .text.NAME}, {@code .nv.info.NAME} (launch bounds), {@code .nv.shared.NAME}.
 */
final class Cubin {
  private static final String TEXT = ".text.";
  private static final int SECTION_BYTES = 64;
  private static final int SYMBOL_BYTES = 24;

  /** Formats of an attribute: a value of two bytes in place, or so many bytes after it. */
  private static final int SIZED = 4;

  private static final int RESERVED = 1024;

  private static final int REGISTERS = 0x2f;
  private static final int FRAME_BYTES = 0x11;
  private static final int STACK_BYTES = 0x12;
  private static final int MOST_THREADS = 0x05;

  /**
   * What a launch of a kernel takes.
   *
   * @param name of the {@code __global__} function
   * @param registers of a thread
   * @param shared bytes of static shared memory of a block
   * @param local bytes of local memory of a thread: arrays that are no registers, and registers
   *     that were spilled; with 0 nothing was
   * @param threads of a block, from {@code __launch_bounds__}; 0 without
   */
  record Kernel(String name, int registers, int shared, int local, int threads) {}

  private record Section(int offset, int size) {}

  private final ByteBuffer image;
  private final Map<String, Section> sections = new HashMap<>();

  private Cubin(byte[] bytes) {
    image = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (image.getInt(0) != 0x464c457f) {
      throw new IllegalArgumentException("no ELF file, so no CUBIN");
    }
    int first = Math.toIntExact(image.getLong(0x28));
    int count = image.getShort(0x3c);
    int names = Math.toIntExact(image.getLong(first + SECTION_BYTES * image.getShort(0x3e) + 24));
    for (int i = 0; i < count; i++) {
      int at = first + i * SECTION_BYTES;
      sections.put(
          text(names + image.getInt(at)),
          new Section(
              Math.toIntExact(image.getLong(at + 24)), Math.toIntExact(image.getLong(at + 32))));
    }
  }

  /** The kernels of a compiled file, in the order of their names. */
  static List<Kernel> kernels(byte[] image) {
    Cubin cubin = new Cubin(image);
    Map<String, Integer> registers = cubin.bySymbol(REGISTERS);
    Map<String, Integer> frames = cubin.bySymbol(FRAME_BYTES);
    Map<String, Integer> stacks = cubin.bySymbol(STACK_BYTES);
    List<Kernel> kernels = new ArrayList<>();
    for (String section : cubin.sections.keySet().stream().sorted().toList()) {
      if (section.startsWith(TEXT)) {
        String name = section.substring(TEXT.length());
        kernels.add(
            new Kernel(
                name,
                value(registers, name),
                cubin.shared(name),
                Math.max(
                    cubin.size(".nv.local." + name),
                    Math.max(value(frames, name), value(stacks, name))),
                cubin.threads(name)));
      }
    }
    return kernels;
  }

  private static int value(Map<String, Integer> values, String kernel) {
    Integer value = values.get(kernel);
    if (value == null) {
      throw new IllegalArgumentException("the CUBIN does not say all about " + kernel);
    }
    return value;
  }

  /** From Hopper on, a block's shared memory begins with what the system keeps of it. */
  private int shared(String kernel) {
    int bytes = size(".nv.shared." + kernel);
    return sections.containsKey(".nv.shared.reserved.0") ? Math.max(0, bytes - RESERVED) : bytes;
  }

  private int size(String section) {
    Section found = sections.get(section);
    return found == null ? 0 : found.size();
  }

  private Section section(String name) {
    Section found = sections.get(name);
    if (found == null) {
      throw new IllegalArgumentException("the CUBIN has no " + name);
    }
    return found;
  }

  /** An attribute of {@code .nv.info} that names a symbol and a value. */
  private Map<String, Integer> bySymbol(int attribute) {
    Map<String, Integer> values = new HashMap<>();
    for (int at : attributes(section(".nv.info"), attribute)) {
      values.put(symbol(image.getInt(at)), image.getInt(at + 4));
    }
    return values;
  }

  private int threads(String kernel) {
    int threads = 0;
    for (int at : attributes(section(".nv.info." + kernel), MOST_THREADS)) {
      threads = image.getInt(at) * image.getInt(at + 4) * image.getInt(at + 8);
    }
    return threads;
  }

  /** Where the bytes of an attribute begin, as often as a section has it. */
  private List<Integer> attributes(Section section, int attribute) {
    List<Integer> places = new ArrayList<>();
    int at = section.offset();
    while (at < section.offset() + section.size()) {
      boolean sized = image.get(at) == SIZED;
      if (sized && image.get(at + 1) == attribute) {
        places.add(at + 4);
      }
      at += 4 + (sized ? image.getShort(at + 2) & 0xffff : 0);
    }
    return places;
  }

  private String symbol(int index) {
    Section symbols = section(".symtab");
    int names = section(".strtab").offset();
    return text(names + image.getInt(symbols.offset() + index * SYMBOL_BYTES));
  }

  private String text(int begin) {
    int end = begin;
    while (image.get(end) != 0) {
      end++;
    }
    return new String(image.array(), begin, end - begin, StandardCharsets.UTF_8);
  }
}
