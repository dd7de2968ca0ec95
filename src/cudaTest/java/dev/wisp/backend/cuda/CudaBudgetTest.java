package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import dev.wisp.backend.support.CacheFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Compiles every kernel for every architecture and compares what it takes with cuda/budgets.csv.
 * {@code -Dwisp.cuda.budgets=write} rewrites the table first.
 */
class CudaBudgetTest {
  private static final String PROPERTY = "wisp.cuda.budgets";
  private static final Path FOLDER = Path.of("cuda");
  private static final Path TABLE = FOLDER.resolve("budgets.csv");
  private static final String HELP =
      "; correct the kernel, or rewrite "
          + TABLE
          + " with mvn -Pcuda test -Dtest=CudaBudgetTest -D"
          + PROPERTY
          + "=write and say in the commit why";

  private static final Comparator<KernelBudget> ORDER =
      Comparator.comparing(KernelBudget::kernel).thenComparing(KernelBudget::architecture);

  /** The copy on the class path: another version's figures differ. */
  private static Nvrtc nvrtc;

  private static List<KernelBudget> compiled;

  @BeforeAll
  static void compile() throws IOException {
    nvrtc = NvrtcLibrary.open(null, null, List.of(), CacheFolders.candidates());
    List<CudaSource> sources = sources();
    compiled =
        Arrays.stream(Multiprocessor.values())
            .parallel()
            .flatMap(each -> compile(sources, each.architecture()))
            .sorted(ORDER)
            .toList();
    if (System.getProperty(PROPERTY, "").equals("write")) {
      List<String> lines = new ArrayList<>(List.of(title(), KernelBudget.COLUMNS));
      compiled.forEach(budget -> lines.add(budget.line()));
      Files.write(TABLE, lines);
    }
  }

  private static List<CudaSource> sources() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".cu"))
          .sorted()
          .map(name -> CudaSource.load(name.substring(0, name.length() - ".cu".length())))
          .toList();
    }
  }

  private static Stream<KernelBudget> compile(List<CudaSource> sources, int architecture) {
    CudaCompiler compiler = compiler(architecture);
    return sources.stream()
        .flatMap(source -> Cubin.kernels(compiler.compile(source)).stream())
        .map(kernel -> KernelBudget.of(kernel, architecture));
  }

  private static CudaCompiler compiler(int architecture) {
    return new CudaCompiler(
        nvrtc,
        CudaCode.parse("cubin:" + architecture),
        CudaCompiler.OPTIONS,
        CacheFolders.candidates());
  }

  private static String title() {
    return "# calculated from machine code by NVRTC %s %s"
        .formatted(nvrtc.version(), String.join(" ", CudaCompiler.OPTIONS));
  }

  private static List<KernelBudget> table() throws IOException {
    return Files.readAllLines(TABLE).stream().skip(2).map(KernelBudget::parse).toList();
  }

  /** Everything in which compiled kernels and a table differ. */
  private static List<String> complaints(List<KernelBudget> table, List<KernelBudget> compiled) {
    Map<String, KernelBudget> budgets = new TreeMap<>();
    List<String> complaints = new ArrayList<>();
    for (KernelBudget budget : table) {
      if (budgets.put(budget.place(), budget) != null) {
        complaints.add(budget.place() + ": two lines in the table");
      }
    }
    for (KernelBudget kernel : compiled) {
      KernelBudget budget = budgets.remove(kernel.place());
      if (kernel.local() > 0) {
        complaints.add(
            "%s: %d bytes of local memory; no kernel may spill or keep arrays outside registers"
                .formatted(kernel.place(), kernel.local()));
      }
      if (kernel.threads() == 0) {
        complaints.add(kernel.place() + ": no __launch_bounds__");
      }
      if (budget == null) {
        complaints.add(kernel.place() + ": no line in the table");
      } else {
        complaints.addAll(budget.complaints(kernel));
      }
    }
    budgets.keySet().forEach(place -> complaints.add(place + ": a line in the table, no kernel"));
    return complaints;
  }

  @Test
  void everyKernelKeepsItsBudgetOnEveryArchitecture() throws IOException {
    List<String> complaints = complaints(table(), compiled);
    assertThat(complaints).as(() -> String.join("\n", complaints) + HELP).isEmpty();
  }

  @Test
  void theTableIsOfThisCompilerAndItsOptions() throws IOException {
    assertThat(Files.readAllLines(TABLE))
        .as("title and columns of the table" + HELP)
        .startsWith(title(), KernelBudget.COLUMNS);
  }

  /** It is in no CUBIN, so that the table's shared memory and warps would be wrong. */
  @Test
  void noKernelUsesDynamicSharedMemory() throws IOException {
    assertThat(sources())
        .filteredOn(source -> source.text().matches("(?s).*\\bextern\\s+__shared__.*"))
        .extracting(CudaSource::fileName)
        .isEmpty();
  }

  @Test
  void whatAKernelTakesIsReadFromItsMachineCode() {
    CudaSource sample =
        new CudaSource(
            "sample",
            """
            extern "C" __global__ void __launch_bounds__(96) wisp_large(float* x, const int* at) {
              __shared__ float tile[300];
              float own[64];
              for (int i = 0; i < 64; ++i) own[i] = x[i * 96 + threadIdx.x];
              for (int i = 0; i < 64; ++i) own[at[i] & 63] += own[at[i + 1] & 63];
              tile[threadIdx.x] = own[at[threadIdx.x] & 63];
              __syncthreads();
              x[threadIdx.x] = tile[at[threadIdx.x]];
            }
            extern "C" __global__ void wisp_small(float* x) { x[threadIdx.x] = 1.0f; }
            """);
    for (Multiprocessor each : Multiprocessor.values()) {
      List<Cubin.Kernel> kernels = Cubin.kernels(compiler(each.architecture()).compile(sample));
      assertThat(kernels)
          .extracting(Cubin.Kernel::name)
          .containsExactly("wisp_large", "wisp_small");
      assertThat(kernels).extracting(Cubin.Kernel::shared).containsExactly(1200, 0);
      assertThat(kernels).extracting(Cubin.Kernel::local).containsExactly(256, 0);
      assertThat(kernels).extracting(Cubin.Kernel::threads).containsExactly(96, 0);
      assertThat(kernels.getLast().registers()).isBetween(2, 16);
    }
  }

  @Test
  void spilledRegistersAreLocalMemory() {
    StringBuilder text =
        new StringBuilder(
            "extern \"C\" __global__ void __launch_bounds__(1024, 2) wisp_spill(float* x) {\n");
    for (int i = 0; i < 64; i++) {
      text.append("float v%d = x[%d];\n".formatted(i, i));
    }
    text.append("__syncthreads();\n");
    for (int i = 0; i < 64; i++) {
      text.append("x[%d] = v%d * v%d;\n".formatted(i, i, 63 - i));
    }
    CudaSource source = new CudaSource("spill", text.append("}\n").toString());
    for (int architecture : new int[] {52, 61, 70, 80, 90}) {
      Cubin.Kernel kernel = Cubin.kernels(compiler(architecture).compile(source)).getFirst();
      assertThat(kernel.registers()).isLessThanOrEqualTo(32);
      assertThat(kernel.local()).isPositive();
      KernelBudget budget = KernelBudget.of(kernel, architecture);
      assertThat(complaints(List.of(budget), List.of(budget)))
          .singleElement(STRING)
          .startsWith("wisp_spill on sm_" + architecture)
          .contains("bytes of local memory");
    }
  }

  @Test
  void everyDifferenceFromTheTableIsNamed() {
    KernelBudget budget = new KernelBudget("wisp_k", 75, 40, 1024, 0, 256);
    List<KernelBudget> table = List.of(budget);
    assertThat(complaints(table, table)).isEmpty();
    assertThat(complaints(table, List.of(new KernelBudget("wisp_k", 75, 39, 1024, 0, 256))))
        .isEmpty();
    assertThat(complaints(table, List.of(new KernelBudget("wisp_k", 75, 41, 1020, 8, 128))))
        .containsExactly(
            "wisp_k on sm_75: 8 bytes of local memory; no kernel may spill or keep arrays outside"
                + " registers",
            "wisp_k on sm_75: 41 registers, the budget is 40",
            "wisp_k on sm_75: 1020 bytes of shared memory, the budget says 1024",
            "wisp_k on sm_75: launch bounds of 128 threads, the budget says 256");
    assertThat(complaints(table, List.of(new KernelBudget("wisp_k", 80, 40, 1024, 0, 256))))
        .containsExactly(
            "wisp_k on sm_80: no line in the table",
            "wisp_k on sm_75: a line in the table, no kernel");
    assertThat(complaints(List.of(budget, budget), table))
        .containsExactly("wisp_k on sm_75: two lines in the table");
    KernelBudget unbounded = new KernelBudget("wisp_k", 75, 40, 1024, 0, 0);
    assertThat(complaints(List.of(unbounded), List.of(unbounded)))
        .containsExactly("wisp_k on sm_75: no __launch_bounds__");
  }

  @Test
  void aLineWhoseOccupancyDoesNotFollowFromItsFiguresIsRefused() {
    String line = new KernelBudget("wisp_k", 75, 65, 1024, 0, 256).line();
    assertThat(line).isEqualTo("wisp_k,75,65,1024,0,256,24,75");
    assertThat(KernelBudget.parse(line).line()).isEqualTo(line);
    assertThatThrownBy(() -> KernelBudget.parse("wisp_k,75,65,1024,0,256,32,100"))
        .hasMessageContaining("wisp_k,75,65,1024,0,256,24,75");
    assertThatThrownBy(() -> KernelBudget.parse("wisp_k,75,65"))
        .hasMessageContaining(KernelBudget.COLUMNS);
  }

  /** Cases whose limit is each of the four in turn, worked out by hand. */
  @ParameterizedTest
  @CsvSource({
    // warps: 64 of 8 a block; 32 on 7.5
    "SM_52,32,0,256,64",
    "SM_75,32,0,256,32",
    // blocks: 32 of 1 warp; 16 on 7.5
    "SM_61,16,0,32,32",
    "SM_75,16,0,32,16",
    // registers: 33 take the room of 40: 16384 / 1280 = 12 warps a part, 48, 6 blocks of 8
    "SM_70,33,0,256,48",
    // 128: 4 warps a part; 168: 3 a part, 12, one block of 8
    "SM_52,128,0,128,16",
    "SM_90,168,0,256,8",
    // a warp that does not fill its block's last is a whole one: 3 warps, 21 blocks
    "SM_52,32,0,65,63",
    // shared: 96 KB / 24.25 KB = 3; 64 KB / 32 KB = 2; 164 KB / (40 + 1) KB = 4; 228 / 57 = 4
    "SM_70,32,24577,128,12",
    "SM_75,32,32768,128,8",
    "SM_80,32,40960,128,16",
    "SM_90,32,57344,128,16",
  })
  void residentWarpsAreThoseOfTheTightestLimit(
      Multiprocessor each, int registers, int shared, int threads, int warps) {
    assertThat(each.residentWarps(registers, shared, threads)).isEqualTo(warps);
  }
}
