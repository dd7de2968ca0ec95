/**
 * The service provider interface of a compute device: memory, and the operations the networks and
 * the method are written in. The groups ({@link dev.wisp.backend.ConvolutionOps}, ...) document
 * every operation's shapes and formula once; an implementation documents only what it adds.
 */
@NullMarked
package dev.wisp.backend;

import org.jspecify.annotations.NullMarked;
