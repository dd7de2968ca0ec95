/** Parameters, layers and networks over the tape, their state by name, and the optimiser. */
@NullMarked
package dev.wisp.nn;

import org.jspecify.annotations.NullMarked;
