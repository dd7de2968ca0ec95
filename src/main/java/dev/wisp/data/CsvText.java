package dev.wisp.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Comma-separated text with quoted fields (RFC 4180). */
final class CsvText {
  /** One record: the line it begins on and its fields, without surrounding spaces. */
  record Record(int line, List<String> fields) {}

  private final Path file;
  private final String text;
  private final List<Record> records = new ArrayList<>();
  private List<String> fields = new ArrayList<>();
  private int at;
  private int line = 1;

  private CsvText(Path file, String text) {
    this.file = file;
    this.text = text;
  }

  /** All records that are not blank lines. */
  static List<Record> parse(Path file) {
    CsvText csv = new CsvText(file, TextLines.text(file));
    while (csv.at < csv.text.length()) {
      csv.record();
    }
    return csv.records;
  }

  private void record() {
    int begin = line;
    fields = new ArrayList<>();
    do {
      fields.add(field());
    } while (at < text.length() && text.charAt(at++) == ',');
    line++;
    if (fields.size() > 1 || !fields.getFirst().isEmpty()) {
      records.add(new Record(begin, fields));
    }
  }

  /** Reads to the next comma, line feed or the end, and stops before it. */
  private String field() {
    while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
      at++;
    }
    if (at < text.length() && text.charAt(at) == '"') {
      return quoted();
    }
    int start = at;
    while (at < text.length() && text.charAt(at) != ',' && text.charAt(at) != '\n') {
      at++;
    }
    return text.substring(start, at).strip();
  }

  private String quoted() {
    StringBuilder field = new StringBuilder();
    int begin = line;
    at++;
    while (true) {
      if (at >= text.length()) {
        throw TextLines.problem(file, begin, "a quote is not closed");
      }
      char c = text.charAt(at++);
      if (c == '\n') {
        line++;
      }
      if (c != '"') {
        field.append(c);
      } else if (at < text.length() && text.charAt(at) == '"') {
        field.append('"');
        at++;
      } else {
        break;
      }
    }
    int start = at;
    while (at < text.length() && text.charAt(at) != ',' && text.charAt(at) != '\n') {
      at++;
    }
    if (!text.substring(start, at).isBlank()) {
      throw TextLines.problem(file, line, "something follows a closing quote");
    }
    return field.toString().strip();
  }
}
