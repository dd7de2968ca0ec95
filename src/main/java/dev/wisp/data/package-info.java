/** Datasets: which images there are, which classes each shows, where its mask is. */
@NullMarked
package dev.wisp.data;

import org.jspecify.annotations.NullMarked;
