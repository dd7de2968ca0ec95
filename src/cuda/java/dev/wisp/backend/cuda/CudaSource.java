package dev.wisp.backend.cuda;

import dev.wisp.backend.cuda.CudaParameter.Kind;
import dev.wisp.common.WispException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A file of {@code cuda/}, as packaged with the classes.
 *
 * @param name without {@code .cu}
 * @param text the whole file
 */
record CudaSource(String name, String text) {
  private static final String FOLDER = "/dev/wisp/cuda/";
  private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/|//[^\n]*", Pattern.DOTALL);
  private static final Pattern QUALIFIER =
      Pattern.compile("\\b(const|volatile|unsigned|signed|__restrict__|__restrict)\\b");

  /**
   * Reads a file.
   *
   * @param name without {@code .cu}
   */
  static CudaSource load(String name) {
    String resource = FOLDER + name + ".cu";
    try (InputStream in = CudaSource.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("the class path has no " + resource);
      }
      return new CudaSource(name, new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException unreadable) {
      throw new WispException(
          "%s cannot be read from the class path: %s".formatted(resource, unreadable.getMessage()),
          unreadable);
    }
  }

  /** The file's name for the compiler's messages. */
  String fileName() {
    return name + ".cu";
  }

  /**
   * The parameters of a kernel, as its definition spells them: sizes in a compiled function cannot
   * tell two swapped pointers or an int from a float, the text can.
   *
   * @return null if the file does not define the kernel in plain text
   * @throws IllegalStateException if a parameter is neither a pointer nor a number
   */
  @Nullable List<CudaParameter> parameters(String kernel) {
    Matcher definition =
        Pattern.compile(
                "__global__\\s+void\\s+(?:__launch_bounds__\\s*\\([^)]*\\)\\s*)?"
                    + Pattern.quote(kernel)
                    + "\\s*\\(([^)]*)\\)\\s*\\{")
            .matcher(COMMENT.matcher(text).replaceAll(" "));
    if (!definition.find()) {
      return null;
    }
    List<CudaParameter> parameters = new ArrayList<>();
    String list = definition.group(1).strip();
    if (!list.isEmpty()) {
      for (String parameter : list.split(",", -1)) {
        parameters.add(parameter(kernel, parameter.strip()));
      }
    }
    return parameters;
  }

  private CudaParameter parameter(String kernel, String text) {
    int end = text.length();
    int begin = end;
    while (begin > 0 && Character.isJavaIdentifierPart(text.charAt(begin - 1))) {
      begin--;
    }
    String type = text.substring(0, begin);
    String bare = QUALIFIER.matcher(type).replaceAll(" ").strip().replaceAll("\\s+", " ");
    Kind kind =
        type.contains("*")
            ? Kind.POINTER
            : switch (bare) {
              case "long long", "long long int" -> Kind.I64;
              case "int" -> Kind.I32;
              case "" -> type.contains("signed") ? Kind.I32 : null;
              case "float" -> Kind.F32;
              case "double" -> Kind.F64;
              default -> null;
            };
    if (kind == null) {
      throw new IllegalStateException(
          "%s: %s has a parameter '%s' that is neither a pointer nor a number"
              .formatted(fileName(), kernel, text));
    }
    return new CudaParameter(kind, text.substring(begin));
  }
}
