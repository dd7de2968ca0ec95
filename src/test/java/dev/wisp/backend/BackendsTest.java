package dev.wisp.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.WispException;
import org.junit.jupiter.api.Test;

class BackendsTest {
  @Test
  void autoTakesTheCpuAndSaysWhyNotSomethingBetter() {
    assertThat(Backends.choose("auto").name()).isEqualTo("cpu");
    assertThat(Backends.explainAuto())
        .startsWith("device cpu; not cuda: this build has no cuda backend")
        .contains("libcuda.so.1");
    try (Backend backend = Backends.open("auto", CpuOptions.standard())) {
      assertThat(backend.name()).isEqualTo("cpu");
    }
  }

  @Test
  void aNamedBackendThatCannotRunIsAnErrorInOneLine() {
    assertThatThrownBy(() -> Backends.open("cuda", CpuOptions.standard()))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("device 'cuda' cannot be used: this build has no cuda backend")
        .hasMessageContaining("use cpu")
        .hasMessageNotContaining("\n");
  }

  @Test
  void anUnknownNameIsAnsweredWithTheKnownOnes() {
    assertThatThrownBy(() -> Backends.choose("tpu"))
        .isInstanceOf(WispException.class)
        .hasMessage("unknown device 'tpu'; choose one of auto, cpu, cuda");
  }
}
