package dev.wisp.backend.cuda;

import dev.wisp.common.WispException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What kernels are compiled to.
 *
 * @param form machine code of one architecture, or the portable assembler that the driver compiles
 * @param architecture compute capability times ten: 52, 61, 70, 75
 */
record CudaCode(Form form, int architecture) {
  private static final Pattern TEXT = Pattern.compile("(ptx|cubin):(\\d{2,3})");

  /** Of the compiled kernels. */
  enum Form {
    PTX,
    CUBIN
  }

  /**
   * Reads {@code ptx:52} or {@code cubin:75}.
   *
   * @throws WispException if the text is neither
   */
  static CudaCode parse(String text) {
    Matcher match = TEXT.matcher(text);
    if (!match.matches()) {
      throw new WispException(
          "%s is '%s'; give ptx:NN or cubin:NN, for example cubin:75"
              .formatted(CudaOptions.CODE, text));
    }
    return new CudaCode(
        match.group(1).equals("ptx") ? Form.PTX : Form.CUBIN, Integer.parseInt(match.group(2)));
  }

  /**
   * What suits a device: machine code for a card, because a driver older than the compiler refuses
   * its PTX; PTX for the software device and for cards newer than the compiler.
   *
   * @param capability of the device, times ten
   * @param supported architectures the compiler knows
   * @throws WispException if the device is older than all of them
   */
  static CudaCode forDevice(int capability, boolean referee, List<Integer> supported) {
    if (!referee && supported.contains(capability)) {
      return new CudaCode(Form.CUBIN, capability);
    }
    int nearest =
        supported.stream()
            .filter(architecture -> architecture <= capability)
            .max(Integer::compare)
            .orElseThrow(
                () ->
                    new WispException(
                        "cuda: the card's compute capability %d.%d is older than NVRTC supports %s"
                            .formatted(capability / 10, capability % 10, supported)));
    return new CudaCode(Form.PTX, nearest);
  }

  /** The compiler's name for it. */
  String option() {
    return (form == Form.PTX ? "compute_" : "sm_") + architecture;
  }

  @Override
  public String toString() {
    return (form == Form.PTX ? "ptx:" : "cubin:") + architecture;
  }
}
