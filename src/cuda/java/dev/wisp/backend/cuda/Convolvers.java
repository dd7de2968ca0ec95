package dev.wisp.backend.cuda;

import dev.wisp.backend.cuda.CudnnOptions.Use;
import dev.wisp.common.WispException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses what computes convolutions. */
final class Convolvers {
  private static final Logger LOG = LoggerFactory.getLogger(Convolvers.class);

  private Convolvers() {}

  /**
   * What the options ask for, as far as it is there; on the compute thread.
   *
   * @throws WispException in one line, if cuDNN is asked for by name and cannot be used
   */
  static Convolver choose(CudaContext context) {
    CudnnOptions options = context.cudnn();
    PlainConvolutions plain = new PlainConvolutions(context);
    if (options.use() == Use.PLAIN || options.use() == Use.AUTO && context.naive()) {
      return plain;
    }
    CudnnLibrary.State state = CudnnLibrary.find();
    String reason = state.text();
    if (state.usable()) {
      try {
        return new CudnnConvolutions(context, plain);
      } catch (WispException refused) {
        reason = String.valueOf(refused.getMessage());
      } catch (LinkageError broken) {
        reason =
            "cuDNN's preset cannot be loaded: "
                + String.valueOf(broken.getMessage()).replaceAll("\\s+", " ");
      }
    }
    if (options.use() == Use.CUDNN) {
      throw new WispException("-D%s=cudnn: %s".formatted(CudnnOptions.USE, reason));
    }
    LOG.info(CudnnLibrary.withoutIt(reason));
    return plain;
  }
}
