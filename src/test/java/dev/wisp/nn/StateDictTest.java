package dev.wisp.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.common.HashFill;
import dev.wisp.common.WispException;
import dev.wisp.io.Safetensors;
import dev.wisp.io.TensorEntry;
import dev.wisp.io.TensorFile;
import dev.wisp.tensor.Scope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StateDictTest {
  private static final ResNetConfig CONFIG =
      new ResNetConfig(
          3,
          2,
          2,
          true,
          List.of(
              new ResNetConfig.Layer(1, 1, 2, 1),
              new ResNetConfig.Layer(2, 1, 3, 2),
              new ResNetConfig.Layer(1, 1, 3, 2),
              new ResNetConfig.Layer(1, 1, 4, 1)));

  @TempDir Path folder;
  private ReferenceBackend backend;
  private Scope scope;
  private ResNet net;

  @BeforeEach
  void open() {
    backend = new ReferenceBackend();
    scope = backend.scope();
    net = new ResNet(new ParameterFactory(backend, scope), "resnet.", CONFIG);
    net.initialize(1);
  }

  @AfterEach
  void close() {
    net.close();
    scope.close();
    backend.close();
  }

  private static float[] content(Parameter parameter) {
    return HashFill.uniforms(parameter.name(), (int) parameter.shape().elements());
  }

  /** A file of the network's tensors under other names; a name of null leaves one out. */
  private Path file(UnaryOperator<String> rename, TensorEntry... more) {
    List<TensorEntry> entries = new ArrayList<>(List.of(more));
    for (Parameter parameter : net.parameters()) {
      String name = rename.apply(parameter.name());
      if (!name.isEmpty()) {
        entries.add(TensorEntry.ofFloats(name, parameter.shape().toArray(), content(parameter)));
      }
    }
    Path path = folder.resolve("weights.safetensors");
    Safetensors.write(path, entries, Map.of());
    return path;
  }

  private void load(Path path) {
    try (TensorFile file = Safetensors.open(path)) {
      StateDict.load(file, net.parameters());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"resnet.", "", "resnet50.", "resnet101."})
  void everyKnownLayoutLoadsByNameWhateverElseIsThere(String prefix) {
    load(
        file(
            name -> name.replaceFirst("^resnet\\.", prefix),
            TensorEntry.ofFloats("fc.weight", new long[] {1}, new float[1]),
            TensorEntry.ofLongs(prefix + "bn1.num_batches_tracked", new long[0], new long[1]),
            TensorEntry.ofFloats("stage1.0.conv1.weight", new long[] {1}, new float[1])));
    for (Parameter parameter : net.parameters()) {
      assertThat(backend.floats(parameter.value()))
          .as(parameter.name())
          .isEqualTo(content(parameter));
    }
  }

  @Test
  void theFirstMissingTensorIsNamedAndNothingIsChanged() {
    Path path =
        file(name -> name.matches("resnet\\.layer2\\..*conv2\\.weight") ? "" : name.substring(7));
    float[] before = backend.floats(net.parameters().getFirst().value());
    assertThatThrownBy(() -> load(path))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("weights.safetensors")
        .hasMessageContaining("resnet.layer2.0.conv2.weight")
        .hasMessageNotContaining("\n");
    assertThat(backend.floats(net.parameters().getFirst().value())).isEqualTo(before);
  }

  @Test
  void aTensorOfAnotherShapeIsNamedWithBothShapes() {
    Path path =
        file(
            name -> name.endsWith("layer4.0.bn3.bias") ? "" : name,
            TensorEntry.ofFloats("resnet.layer4.0.bn3.bias", new long[] {5}, new float[5]));
    assertThatThrownBy(() -> load(path))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("resnet.layer4.0.bn3.bias")
        .hasMessageContaining("[5]")
        .hasMessageContaining("[4]");
  }

  @Test
  void whatIsWrittenIsReadBack() {
    Path path = folder.resolve("own.safetensors");
    float[] stem = backend.floats(net.parameters().getFirst().value());
    Safetensors.write(path, StateDict.entries(backend, net.parameters()), Map.of());
    net.initialize(2);
    load(path);
    assertThat(backend.floats(net.parameters().getFirst().value())).isEqualTo(stem);
  }

  @Test
  void presetsHaveTorchvisionsTensors() {
    try (Scope large = backend.scope()) {
      ParameterFactory factory = new ParameterFactory(backend, large);
      try (ResNet resnet = new ResNet(factory, "", ResNetConfig.resnet50())) {
        long elements =
            resnet.parameters().stream()
                .filter(parameter -> parameter.group() != Parameter.Group.STATISTIC)
                .mapToLong(parameter -> parameter.shape().elements())
                .sum();
        // torchvision's resnet50 has 25,557,032 parameters, 2,049,000 of them in fc.
        assertThat(elements).isEqualTo(25_557_032L - 2_049_000L);
        assertThat(resnet.parameters().stream().map(Parameter::name))
            .contains("layer3.5.bn3.running_var", "layer1.0.downsample.0.weight", "conv1.weight");
      }
    }
  }
}
