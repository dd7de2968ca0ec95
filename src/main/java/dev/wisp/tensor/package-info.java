/** Shapes, element types, device memory and the scopes that own it. Knows nothing of operations. */
@NullMarked
package dev.wisp.tensor;

import org.jspecify.annotations.NullMarked;
