/** The CPU backend: oneDNN for convolutions, the kernels of native/ for everything else. */
@NullMarked
package dev.wisp.backend.cpu;

import org.jspecify.annotations.NullMarked;
