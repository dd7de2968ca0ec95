package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Precision;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A precision on devices that go back to their former one when it is closed. */
final class Precisions implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Precisions.class);

  private final Deque<Runnable> restoring = new ArrayDeque<>();

  /** Sets it, and says of a device that cannot. */
  Precisions(List<Backend> devices, Precision wanted) {
    for (Backend device : devices) {
      device.run(() -> set(device, wanted));
    }
  }

  private void set(Backend device, Precision wanted) {
    Precision former = device.precision();
    restoring.push(() -> device.run(() -> device.setPrecision(former)));
    if (!device.setPrecision(wanted)) {
      LOG.info("{}: convolutions stay float32; the loss is scaled all the same", device.name());
    }
  }

  @Override
  public void close() {
    while (!restoring.isEmpty()) {
      restoring.pop().run();
    }
  }
}
