/**
 * The peer: libtorch's Java API, the formulas written in tensor operations as published code does.
 */
@NullMarked
package dev.wisp.benchmarks.libtorch;

import org.jspecify.annotations.NullMarked;
