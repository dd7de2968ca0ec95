package dev.wisp.backend;

/** Arithmetic of a device's convolutions; everything else is float32 always. */
public enum Precision {
  /** float32 operands, products and sums. */
  FLOAT32,
  /** float16 operands and results, sums in float32: small gradients need a scaled loss. */
  MIXED
}
