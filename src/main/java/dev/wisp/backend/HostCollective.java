package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** A {@link Collective} through the host's memory, for devices of any kind. */
final class HostCollective implements Collective {
  private final List<Backend> backends;

  HostCollective(List<Backend> backends) {
    this.backends = List.copyOf(backends);
  }

  @Override
  public void average(List<List<Tensor>> tensors) {
    int count = Collective.commonShapes(tensors, backends.size()).size();
    for (int t = 0; t < count; t++) {
      List<Tensor> same = new ArrayList<>();
      for (List<Tensor> list : tensors) {
        same.add(list.get(t));
      }
      averageOne(same);
    }
  }

  private void averageOne(List<Tensor> tensors) {
    float[] sum = floats(0, tensors);
    for (int device = 1; device < backends.size(); device++) {
      float[] more = floats(device, tensors);
      for (int i = 0; i < sum.length; i++) {
        sum[i] += more[i];
      }
    }
    float count = backends.size();
    for (int i = 0; i < sum.length; i++) {
      sum[i] /= count;
    }
    for (int device = 0; device < backends.size(); device++) {
      Backend backend = backends.get(device);
      Tensor target = tensors.get(device);
      backend.run(() -> backend.upload(sum, target));
    }
  }

  private float[] floats(int device, List<Tensor> tensors) {
    Backend backend = backends.get(device);
    return backend.compute(() -> backend.floats(tensors.get(device)));
  }

  @Override
  public String describe() {
    return "gradients averaged on the host";
  }

  @Override
  public void close() {}
}
