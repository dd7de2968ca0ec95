/** Synthetic images with masks on which the method's problem is real, drawn from a seed. */
@NullMarked
package dev.wisp.data.synth;

import org.jspecify.annotations.NullMarked;
