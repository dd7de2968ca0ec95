package dev.wisp.benchmarks;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Command line of {@link Main}: {@code --name value}, or {@code --name} alone for a flag. */
final class Options {
  private final Map<String, String> values = new HashMap<>();

  Options(String[] arguments, int from) {
    for (int i = from; i < arguments.length; i++) {
      if (!arguments[i].startsWith("--")) {
        throw new IllegalArgumentException("unexpected argument " + arguments[i]);
      }
      String name = arguments[i].substring(2);
      boolean flag = i + 1 == arguments.length || arguments[i + 1].startsWith("--");
      values.put(name, flag ? "" : arguments[++i]);
    }
  }

  boolean flag(String name) {
    return values.containsKey(name);
  }

  String text(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }

  String text(String name) {
    String value = values.get(name);
    if (value == null || value.isEmpty()) {
      throw new IllegalArgumentException("option --" + name + " is missing");
    }
    return value;
  }

  Path path(String name) {
    return Path.of(text(name));
  }
}
