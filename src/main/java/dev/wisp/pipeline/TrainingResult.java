package dev.wisp.pipeline;

import java.nio.file.Path;
import java.util.Map;

/**
 * What a training left.
 *
 * @param weights the final weights
 * @param skipped images that could not be used, with the reason
 */
public record TrainingResult(Path weights, Map<String, String> skipped) {}
