package dev.wisp.data;

import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.TreeSet;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.jspecify.annotations.Nullable;

/**
 * Image-level labels from VOC's {@code Annotations/ID.xml}: the names of all objects, difficult
 * ones too (as the published label files have it). Document types and entities are refused.
 */
public final class VocAnnotations implements ImageLabels {
  private static final List<String> OBJECT_NAME = List.of("annotation", "object", "name");

  private final Path folder;
  private final List<String> classNames;

  /**
   * Labels from a folder; files are read when asked for.
   *
   * @param classNames the foreground classes; a name that is not among them is an error
   */
  public VocAnnotations(Path folder, List<String> classNames) {
    this.folder = folder;
    this.classNames = List.copyOf(classNames);
  }

  @Override
  public int @Nullable [] of(String id) {
    Path file = ImageList.below(folder, id + ".xml");
    if (file == null || !Files.isRegularFile(file)) {
      return null;
    }
    try (InputStream in = Files.newInputStream(file)) {
      // A factory for each file: its readers share tables that are not made for several threads.
      XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
      factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
      factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
      XMLStreamReader xml = factory.createXMLStreamReader(in);
      try {
        return read(file, xml);
      } finally {
        xml.close();
      }
    } catch (XMLStreamException e) {
      throw FileErrors.of(
          file,
          "line " + e.getLocation().getLineNumber() + ": malformed XML: " + e.getMessage(),
          e);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }

  private int[] read(Path file, XMLStreamReader xml) throws XMLStreamException {
    Deque<String> open = new ArrayDeque<>();
    TreeSet<Integer> ids = new TreeSet<>();
    StringBuilder name = new StringBuilder();
    boolean annotation = false;
    while (xml.hasNext()) {
      switch (xml.next()) {
        case XMLStreamConstants.START_ELEMENT -> {
          open.addLast(xml.getLocalName());
          annotation |= open.peekFirst().equals("annotation");
          name.setLength(0);
        }
        case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA -> name.append(xml.getText());
        case XMLStreamConstants.END_ELEMENT -> {
          // The parts of an object (head, hand) have names too: only the path tells them apart.
          if (OBJECT_NAME.equals(List.copyOf(open))) {
            ids.add(id(file, xml, name.toString().strip()));
          }
          open.removeLast();
        }
        case XMLStreamConstants.DTD, XMLStreamConstants.ENTITY_REFERENCE ->
            throw TextLines.problem(
                file, xml.getLocation().getLineNumber(), "document types and entities are refused");
        default -> {}
      }
    }
    if (!annotation) {
      throw FileErrors.of(file, "not a VOC annotation: its root must be <annotation>");
    }
    return ImageLabels.ids(ids);
  }

  private int id(Path file, XMLStreamReader xml, String name) {
    int index = classNames.indexOf(name);
    if (index < 0) {
      throw TextLines.problem(
          file, xml.getLocation().getLineNumber(), "unknown class '" + name + "'");
    }
    return index + 1;
  }

  @Override
  public String source() {
    return folder.toString();
  }
}
