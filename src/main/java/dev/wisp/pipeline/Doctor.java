package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Examines the machine for {@code wisp doctor}. */
public final class Doctor {
  private static final long WANTED_MEMORY_MB = 4096;
  private static final Pattern VARIABLES =
      Pattern.compile(
          "(WISP|OMP|GOMP|KMP|DNNL|ONEDNN|MALLOC|LD|CUDA)_.*|JAVA_TOOL_OPTIONS|LC_ALL|LANG");

  private Doctor() {}

  /**
   * What was found.
   *
   * @param facts by name, in order
   * @param gaps what is missing or weak
   */
  public record Report(Map<String, String> facts, List<Gap> gaps) {}

  /**
   * Something missing.
   *
   * @param blocking whether nothing can be computed without it
   */
  public record Gap(String what, String remedy, boolean blocking) {}

  /**
   * Examines everything; what does not work becomes a gap, never an exception.
   *
   * @param device the one that is wanted: a gap of it is blocking; {@code auto} for any
   * @param threads of the cpu; 0 for one per core
   * @throws WispException for a device that nobody knows, or a wrong number of threads
   */
  public static Report examine(String version, String device, int threads) {
    Devices.check(device, threads);
    Map<String, String> facts = new LinkedHashMap<>();
    List<Gap> gaps = new ArrayList<>();
    facts.put("wisp", version);
    facts.put(
        "java",
        "%s (%s), %s"
            .formatted(
                System.getProperty("java.version"),
                System.getProperty("java.vendor"),
                System.getProperty("java.home")));
    facts.put(
        "system",
        "%s %s, %s, %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch"),
                distribution()));
    facts.put("encoding", System.getProperty("sun.jnu.encoding"));
    facts.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
    facts.put("instructions", instructions());
    facts.put("java heap", megabytes(Runtime.getRuntime().maxMemory()));
    facts.put("java options", javaOptions());
    facts.put("environment", environment());
    memory(facts, gaps);
    disk(facts);
    device(threads, facts, gaps);
    devices(device, facts, gaps);
    return new Report(facts, gaps);
  }

  private static void device(int threads, Map<String, String> facts, List<Gap> gaps) {
    try (Backend backend = Devices.open("cpu", threads)) {
      facts.put("cpu backend", backend.describe());
    } catch (RuntimeException | LinkageError broken) {
      facts.put("cpu backend", "cannot be used");
      gaps.add(
          new Gap(
              "the cpu backend does not start: " + firstLine(broken),
              "build again with: mvn package; if it stays, report this output",
              true));
    }
  }

  private static void memory(Map<String, String> facts, List<Gap> gaps) {
    Map<String, Long> memory = new LinkedHashMap<>();
    for (String line : read(Path.of("/proc/meminfo")).lines().toList()) {
      String[] parts = line.split("[:\\s]+");
      if (parts.length >= 2 && parts[1].matches("\\d+")) {
        memory.put(parts[0], Long.parseLong(parts[1]) << 10);
      }
    }
    Long total = memory.get("MemTotal");
    Long available = memory.get("MemAvailable");
    if (total == null || available == null) {
      facts.put("memory", "unknown");
      return;
    }
    facts.put("memory", "%s, %s available".formatted(megabytes(total), megabytes(available)));
    if (available >> 20 < WANTED_MEMORY_MB) {
      gaps.add(
          new Gap(
              "only %s of memory are available".formatted(megabytes(available)),
              "end other programs, or lower training.batch and labelling.maxPixels with --set",
              false));
    }
  }

  /** Devices other than the cpu, and the NVIDIA driver's own words. */
  private static void devices(String wanted, Map<String, String> facts, List<Gap> gaps) {
    for (Backends.Candidate candidate : Backends.candidates()) {
      if (!candidate.name().equals("cpu")) {
        facts.put(candidate.name(), candidate.usable() ? candidate.detail() : "cannot be used");
        if (!candidate.usable()) {
          gaps.add(
              new Gap(
                  "no " + candidate.name(), candidate.detail(), candidate.name().equals(wanted)));
        }
      }
    }
    read(Path.of("/proc/driver/nvidia/version"))
        .lines()
        .findFirst()
        .ifPresent(line -> facts.put("nvidia driver", line));
  }

  /** Options the Java machine was started with; the class path is the launcher's. */
  private static String javaOptions() {
    return String.join(" ", ManagementFactory.getRuntimeMXBean().getInputArguments());
  }

  /** Variables that change how Wisp, OpenMP or the loader behave. */
  private static String environment() {
    String text =
        new TreeMap<>(System.getenv())
            .entrySet().stream()
                .filter(variable -> VARIABLES.matcher(variable.getKey()).matches())
                .map(variable -> variable.getKey() + "=" + variable.getValue())
                .collect(Collectors.joining(" "));
    return text.isEmpty() ? "nothing set" : text;
  }

  private static void disk(Map<String, String> facts) {
    Path here = Path.of("").toAbsolutePath();
    try {
      facts.put("disk", megabytes(Files.getFileStore(here).getUsableSpace()) + " free in " + here);
    } catch (IOException unknown) {
      facts.put("disk", "unknown");
    }
  }

  private static String distribution() {
    return read(Path.of("/etc/os-release"))
        .lines()
        .filter(line -> line.startsWith("PRETTY_NAME="))
        .map(line -> line.substring(12).replace("\"", ""))
        .findFirst()
        .orElse("distribution unknown");
  }

  private static String instructions() {
    List<String> wanted = List.of("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16");
    List<String> flags =
        read(Path.of("/proc/cpuinfo"))
            .lines()
            .filter(line -> line.startsWith("flags"))
            .findFirst()
            .map(line -> List.of(line.split("\\s+")))
            .orElse(List.of());
    List<String> present = wanted.stream().filter(flags::contains).toList();
    return flags.isEmpty() ? "unknown" : String.join(" ", present);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException absent) {
      return "";
    }
  }

  private static String megabytes(long bytes) {
    return (bytes >> 20) + " MB";
  }

  private static String firstLine(Throwable failure) {
    return String.valueOf(failure.getMessage()).lines().findFirst().orElse(failure.toString());
  }
}
