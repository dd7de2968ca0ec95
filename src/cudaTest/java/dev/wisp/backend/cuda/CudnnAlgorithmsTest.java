package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class CudnnAlgorithmsTest {
  private static final CudnnChoice FIRST = new CudnnChoice(CudnnLayout.NHWC, 1, 3);
  private static final CudnnChoice SECOND = new CudnnChoice(CudnnLayout.NCHW, 7, 0);

  private final Logger logger = (Logger) LoggerFactory.getLogger(CudnnAlgorithms.class);
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();

  @TempDir Path folder;

  @BeforeEach
  void listen() {
    log.start();
    logger.addAppender(log);
    logger.setAdditive(false);
  }

  @AfterEach
  void listenNoMore() {
    logger.detachAppender(log);
    logger.setAdditive(true);
  }

  private CudnnAlgorithms open() {
    return new CudnnAlgorithms(List.of(folder), "Titan RTX", 12_060, "cuDNN 9.5.1");
  }

  private Path file() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cuda"))) {
      return files.toList().getFirst();
    }
  }

  private void assertNoWarning() {
    assertThat(log.list).noneMatch(event -> event.getLevel().isGreaterOrEqual(Level.WARN));
  }

  @Test
  void whatWasSavedIsFoundAgain() {
    CudnnAlgorithms algorithms = open();
    assertThat(algorithms.get("a")).isNull();
    algorithms.put("a", FIRST);
    algorithms.put("b", SECOND);
    algorithms.put("c", CudnnChoice.PLAIN);
    algorithms.save();
    CudnnAlgorithms later = open();
    assertThat(later.get("a")).isEqualTo(FIRST);
    assertThat(later.get("b")).isEqualTo(SECOND);
    assertThat(later.get("c")).isEqualTo(CudnnChoice.PLAIN);
    assertThat(later.get("d")).isNull();
    assertNoWarning();
  }

  @Test
  void aFileOfAnotherCardDriverOrVersionIsNotRead() {
    CudnnAlgorithms algorithms = open();
    algorithms.put("a", FIRST);
    algorithms.save();
    List<Path> folders = List.of(folder);
    assertThat(new CudnnAlgorithms(folders, "Titan V", 12_060, "cuDNN 9.5.1").get("a")).isNull();
    assertThat(new CudnnAlgorithms(folders, "Titan RTX", 12_080, "cuDNN 9.5.1").get("a")).isNull();
    assertThat(new CudnnAlgorithms(folders, "Titan RTX", 12_060, "cuDNN 9.6.0").get("a")).isNull();
    assertThat(open().get("a")).isEqualTo(FIRST);
    assertNoWarning();
  }

  @Test
  void aDamagedFileIsIgnoredWithAWarningAndMadeAnew() throws IOException {
    CudnnAlgorithms algorithms = open();
    algorithms.put("a", FIRST);
    algorithms.save();
    byte[] whole = Files.readAllBytes(file());
    List<byte[]> damaged = new ArrayList<>(List.of(new byte[0], new byte[] {'\n'}));
    for (int at = 0; at < whole.length; at++) {
      byte[] flipped = whole.clone();
      flipped[at] ^= 1;
      damaged.add(flipped);
    }
    for (int length = 1; length < whole.length; length += 13) {
      damaged.add(Arrays.copyOf(whole, length));
    }
    for (byte[] content : damaged) {
      Files.write(file(), content);
      log.list.clear();
      CudnnAlgorithms anew = open();
      assertThat(anew.get("a")).isNull();
      assertThat(log.list)
          .singleElement()
          .satisfies(event -> assertThat(event.getLevel()).isEqualTo(Level.WARN))
          .extracting(ILoggingEvent::getFormattedMessage)
          .asString()
          .endsWith(".txt is damaged: cuDNN's algorithms are chosen anew");
    }
    CudnnAlgorithms anew = open();
    anew.put("b", SECOND);
    anew.save();
    log.list.clear();
    assertThat(open().get("b")).isEqualTo(SECOND);
    assertNoWarning();
  }

  @Test
  void whatTwoProcessesSaveIsKeptOfBoth() {
    CudnnAlgorithms one = open();
    CudnnAlgorithms two = open();
    one.put("a", FIRST);
    one.save();
    two.put("b", SECOND);
    two.save();
    assertThat(open().get("a")).isEqualTo(FIRST);
    assertThat(open().get("b")).isEqualTo(SECOND);
  }

  @Test
  void theOldestChoicesAreDroppedWhenThereAreTooMany() {
    CudnnAlgorithms algorithms = open();
    for (int i = 0; i <= CudnnAlgorithms.MOST; i++) {
      algorithms.put("k" + i, FIRST);
    }
    algorithms.save();
    for (CudnnAlgorithms each : List.of(algorithms, open())) {
      assertThat(each.get("k0")).isNull();
      assertThat(each.get("k1")).isEqualTo(FIRST);
      assertThat(each.get("k" + CudnnAlgorithms.MOST)).isEqualTo(FIRST);
    }
  }

  @Test
  void newChoicesAreWrittenBeforeTheEnd() {
    CudnnAlgorithms algorithms = open();
    for (int i = 0; i < 16; i++) {
      algorithms.put("k" + i, FIRST);
    }
    assertThat(open().get("k15")).isEqualTo(FIRST);
  }

  @Test
  void aFolderThatCannotBeWrittenCostsNothingButTime() throws IOException {
    Path blocked = Files.writeString(folder.resolve("file"), "no folder");
    CudnnAlgorithms algorithms =
        new CudnnAlgorithms(List.of(blocked), "Titan RTX", 12_060, "cuDNN 9.5.1");
    algorithms.put("a", FIRST);
    algorithms.save();
    assertThat(algorithms.get("a")).isEqualTo(FIRST);
    assertNoWarning();
    CudnnAlgorithms next =
        new CudnnAlgorithms(
            List.of(blocked, folder.resolve("next")), "Titan RTX", 12_060, "cuDNN 9.5.1");
    next.put("a", FIRST);
    next.save();
    assertThat(folder.resolve("next").resolve("cuda")).isNotEmptyDirectory();
  }
}
