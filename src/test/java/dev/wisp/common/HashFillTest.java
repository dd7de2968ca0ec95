package dev.wisp.common;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HashFillTest {
  @Test
  void theGeneratorGivesThePublishedCheckValues() {
    assertThat(HashFill.uniform("resnet.conv1.weight", 0)).isEqualTo(0.7053117156028748);
    assertThat(HashFill.uniform("resnet.conv1.weight", 1000)).isEqualTo(0.13201546669006348);
    assertThat(HashFill.uniform("side1.weight", 1)).isEqualTo(0.29644447565078735);
    assertThat(HashFill.uniform("x", 1)).isEqualTo(0.8085267543792725);
  }

  @Test
  void theRuleFollowsTheNamesEndingAndTheRank() {
    double u = HashFill.uniform("a/side1.weight", 0);
    assertThat(HashFill.fill("a/", "side1.weight", 2, 3, 1, 1)[0])
        .isEqualTo((float) ((2 * u - 1) * Math.sqrt(6.0 / 3)));
    u = HashFill.uniform("layer1.0.bn3.weight", 1);
    assertThat(HashFill.fill("", "layer1.0.bn3.weight", 4)[1]).isEqualTo((float) (0.10 + 0.20 * u));
    u = HashFill.uniform("layer1.0.downsample.1.weight", 1);
    assertThat(HashFill.fill("", "layer1.0.downsample.1.weight", 4)[1])
        .isEqualTo((float) (0.80 + 0.40 * u));
    u = HashFill.uniform("bn1.running_mean", 2);
    assertThat(HashFill.fill("", "bn1.running_mean", 4)[2]).isEqualTo((float) ((2 * u - 1) * 0.1));
    u = HashFill.uniform("bn1.running_var", 2);
    assertThat(HashFill.fill("", "bn1.running_var", 4)[2]).isEqualTo((float) (0.5 + u));
    assertThat(HashFill.fill("k/", "mask", 5)).isEqualTo(HashFill.uniforms("k/mask", 5));
  }
}
