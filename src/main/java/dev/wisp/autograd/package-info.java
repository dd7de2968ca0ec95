/**
 * Reverse-mode differentiation over the backend's operations: a {@link dev.wisp.autograd.Tape}
 * records what was computed, {@link dev.wisp.autograd.Var} carries a value and its gradient. Made
 * to hold little memory: values and gradients return to the pool as soon as nobody needs them.
 */
@NullMarked
package dev.wisp.autograd;

import org.jspecify.annotations.NullMarked;
