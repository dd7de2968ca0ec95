package dev.wisp.report;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Writes HTML and SVG. Every text and every attribute's value is escaped, whatever it holds; only
 * {@link #trusted} is not.
 */
final class Html {
  private final StringBuilder out = new StringBuilder();
  private final Deque<String> open = new ArrayDeque<>();

  /**
   * Begins an element.
   *
   * @param attributes names and values in turn
   */
  Html open(String tag, String... attributes) {
    start(tag, attributes);
    open.push(tag);
    return this;
  }

  /** An element without content, such as an image. */
  Html empty(String tag, String... attributes) {
    start(tag, attributes);
    return this;
  }

  /** An SVG element without content. */
  Html shape(String tag, String... attributes) {
    start(tag, attributes);
    out.setLength(out.length() - 1);
    out.append("/>");
    return this;
  }

  private void start(String tag, String... attributes) {
    out.append('<').append(tag);
    for (int i = 0; i + 1 < attributes.length; i += 2) {
      out.append(' ').append(attributes[i]).append("=\"");
      escape(attributes[i + 1]);
      out.append('"');
    }
    out.append('>');
  }

  /** Ends the innermost element. */
  Html close() {
    out.append("</").append(open.pop()).append('>');
    return this;
  }

  /** Text inside the innermost element. */
  Html text(String text) {
    escape(text);
    return this;
  }

  /** An element with nothing but text. */
  Html element(String tag, String text, String... attributes) {
    return open(tag, attributes).text(text).close();
  }

  /** Code of the program's own, or what another of these has written, as it is. */
  Html trusted(String code) {
    out.append(code);
    return this;
  }

  private void escape(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '"' -> out.append("&quot;");
        case '\'' -> out.append("&#39;");
        default -> out.append(Character.isISOControl(c) && c != '\n' && c != '\t' ? ' ' : c);
      }
    }
  }

  @Override
  public String toString() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("elements are still open: " + open);
    }
    return out.toString();
  }
}
