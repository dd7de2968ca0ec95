/**
 * Files: safetensors, PyTorch checkpoints, NumPy arrays, images and masks. Readers are strict and
 * bounded: what a file claims is checked against its length before memory is taken, and every
 * complaint is one line that names the file.
 */
@NullMarked
package dev.wisp.io;

import org.jspecify.annotations.NullMarked;
