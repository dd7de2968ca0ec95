/** From a decoded image to a network's input, the way the paper's release does it. */
@NullMarked
package dev.wisp.data.transform;

import org.jspecify.annotations.NullMarked;
