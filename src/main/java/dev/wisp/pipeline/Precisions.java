package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Precision;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The precision that a recipe asks for, on devices that go back to float32 when it is closed. */
final class Precisions implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Precisions.class);

  private final List<Backend> devices;

  /** Sets it, and says of a device that cannot. */
  Precisions(List<Backend> devices, Recipe.Training values) {
    this.devices = List.copyOf(devices);
    if (values.isMixed()) {
      for (Backend device : devices) {
        if (!device.compute(() -> device.setPrecision(Precision.MIXED))) {
          LOG.info("{}: convolutions stay float32; the loss is scaled all the same", device.name());
        }
      }
    }
  }

  @Override
  public void close() {
    for (Backend device : devices) {
      device.compute(() -> device.setPrecision(Precision.FLOAT32));
    }
  }
}
