import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs google-java-format over source folders: {@code java Format.java JAR check|write FOLDER...}.
 *
 * <p>A launcher of its own because the formatter must run on the JDK of the build, with its
 * compiler packages exported, while Maven itself may run on an older one.
 */
final class Format {
  public static void main(String[] args) throws IOException, InterruptedException {
    Path jar = Path.of(args[0]);
    boolean write = args[1].equals("write");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String name : List.of("api", "code", "file", "parser", "tree", "util")) {
      command.add("--add-exports=jdk.compiler/com.sun.tools.javac." + name + "=ALL-UNNAMED");
    }
    command.addAll(List.of("-jar", jar.toString()));
    command.addAll(write ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
    int before = command.size();
    for (int i = 2; i < args.length; i++) {
      Path folder = Path.of(args[i]);
      if (Files.isDirectory(folder)) {
        try (var files = Files.walk(folder)) {
          files
              .map(Path::toString)
              .filter(name -> name.endsWith(".java"))
              .filter(name -> !name.contains("/target/"))
              .sorted()
              .forEach(command::add);
        }
      }
    }
    if (command.size() == before) {
      return;
    }
    int status = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (status != 0 && !write) {
      System.err.println(
          "The files above are not formatted: run mvn process-sources -Dformat.mode=write");
    }
    System.exit(status);
  }
}
