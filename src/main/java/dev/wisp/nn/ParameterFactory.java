package dev.wisp.nn;

import dev.wisp.backend.Backend;
import dev.wisp.tensor.Scope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Makes a network's parameters in its scope and lists them in order of creation. */
public final class ParameterFactory {
  private final Backend backend;
  private final Scope scope;
  private final List<Parameter> parameters = new ArrayList<>();

  public ParameterFactory(Backend backend, Scope scope) {
    this.backend = backend;
    this.scope = scope;
  }

  Backend backend() {
    return backend;
  }

  Scope scope() {
    return scope;
  }

  /** A new parameter with undefined values. */
  public Parameter create(String name, Parameter.Group group, long... sizes) {
    Parameter parameter = new Parameter(backend, scope, name, group, sizes);
    parameters.add(parameter);
    return parameter;
  }

  /** All parameters made so far. */
  public List<Parameter> parameters() {
    return Collections.unmodifiableList(parameters);
  }
}
