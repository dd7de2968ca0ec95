package dev.wisp.backend;

import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.tensor.DType;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The float64 reference with an encoder's activations in float16 while {@link Precision#MIXED} is
 * in force: what they cost alone, since nothing else is rounded.
 */
public final class HalfReference implements InvocationHandler {
  private final ReferenceBackend below = new ReferenceBackend();
  private final List<String> calls = new ArrayList<>();
  private Precision precision = Precision.FLOAT32;

  /** It as a backend. */
  public Backend backend() {
    return (Backend)
        Proxy.newProxyInstance(
            HalfReference.class.getClassLoader(), new Class<?>[] {Backend.class}, this);
  }

  /** How often an operation was called. */
  public long calls(String operation) {
    return calls.stream().filter(operation::equals).count();
  }

  @Override
  public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
      throws Throwable {
    calls.add(method.getName());
    switch (method.getName()) {
      case "precision" -> {
        return precision;
      }
      case "activations" -> {
        return precision == Precision.MIXED ? DType.F16 : DType.F32;
      }
      case "setPrecision" -> {
        precision = (Precision) Objects.requireNonNull(arguments)[0];
        return true;
      }
      default -> {
        try {
          return method.invoke(below, arguments);
        } catch (InvocationTargetException failure) {
          throw failure.getCause();
        }
      }
    }
  }
}
