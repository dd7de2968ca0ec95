package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.cuda.CudaCode.Form;
import dev.wisp.common.WispException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CudaCodeTest {
  private static final List<Integer> SUPPORTED = List.of(50, 52, 61, 70, 75, 80, 90);

  @ParameterizedTest
  @CsvSource({"52,CUBIN,52", "75,CUBIN,75", "89,PTX,80", "120,PTX,90"})
  void aCardGetsMachineCodeOrTheNearestOlderPtx(int capability, Form form, int architecture) {
    assertThat(CudaCode.forDevice(capability, false, SUPPORTED))
        .isEqualTo(new CudaCode(form, architecture));
  }

  @Test
  void theSoftwareDeviceGetsPtx() {
    assertThat(CudaCode.forDevice(75, true, SUPPORTED)).isEqualTo(new CudaCode(Form.PTX, 75));
  }

  @Test
  void aCardOlderThanTheCompilerIsRefused() {
    assertThatThrownBy(() -> CudaCode.forDevice(35, false, SUPPORTED))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("compute capability 3.5 is older than NVRTC supports");
  }

  @Test
  void theWrittenFormIsRead() {
    assertThat(CudaCode.parse("ptx:52").option()).isEqualTo("compute_52");
    assertThat(CudaCode.parse("cubin:120").option()).isEqualTo("sm_120");
    assertThat(CudaCode.parse("ptx:52")).hasToString("ptx:52");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "ptx", "ptx:", "sass:75", "ptx:5", "ptx:5200", "PTX:52"})
  void anythingElseIsRefusedWithAnExample(String text) {
    assertThatThrownBy(() -> CudaCode.parse(text))
        .isInstanceOf(WispException.class)
        .hasMessage(
            "wisp.cuda.code is '" + text + "'; give ptx:NN or cubin:NN, for example cubin:75");
  }
}
