package dev.wisp.report;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import java.io.IOException;
import java.io.OutputStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Shows a run while it grows, to this machine alone: {@code /} is its report, {@code /metrics.json}
 * the news that an open page asks for, {@code /files/PATH} a file of the run. Answers only requests
 * that read, and only those whose Host is this server's, so that no site can reach it under a name
 * of its own. Closing ends it.
 */
public final class ReportServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ReportServer.class);
  private static final String METRICS = "metrics.json";
  private static final String FILES = "/files/";
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final int THREADS = 4;

  private final Path run;
  private final @Nullable Dataset data;
  private final RunCollector.Limits limits;
  private final HttpServer server;
  private final ExecutorService workers;
  private final ReentrantLock collecting = new ReentrantLock();
  private volatile @Nullable Page cached;

  /** A page and what it was made from. */
  private record Page(RunVersion version, List<ReportData.Score> scores, byte[] html) {}

  /** What a request gets. */
  private record Answer(int status, String type, String policy, byte[] body) {
    static Answer text(int status, String text) {
      return new Answer(
          status, TEXT, "default-src 'none'", (text + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }

  private ReportServer(
      Path run, @Nullable Dataset data, RunCollector.Limits limits, HttpServer server) {
    this.run = run;
    this.data = data;
    this.limits = limits;
    this.server = server;
    this.workers =
        Executors.newFixedThreadPool(
            THREADS, task -> Thread.ofPlatform().name("wisp-serve").daemon().unstarted(task));
  }

  /**
   * Starts serving on the loopback address.
   *
   * @param run the run's folder
   * @param data the dataset that was labelled; null for the one in the run's own folder, if any
   * @param port 0 for any free one
   * @throws WispException if the folder holds no run, or the port cannot be had
   */
  public static ReportServer start(
      Path run, @Nullable Dataset data, RunCollector.Limits limits, int port) {
    RunLayout.find(run, data);
    HttpServer server;
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    } catch (BindException taken) {
      throw new WispException(
          "port %d cannot be had (%s); choose another with --port"
              .formatted(port, taken.getMessage()),
          taken);
    } catch (IOException e) {
      throw new WispException("cannot serve on port %d: %s".formatted(port, e.getMessage()), e);
    }
    ReportServer serving = new ReportServer(run, data, limits, server);
    server.setExecutor(serving.workers);
    server.createContext("/", serving::handle);
    server.start();
    return serving;
  }

  /** Where the report is. */
  public URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
  }

  InetAddress bound() {
    return server.getAddress().getAddress();
  }

  @Override
  public void close() {
    server.stop(0);
    workers.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Answer answer;
      try {
        answer = answer(exchange);
      } catch (WispException unreadable) {
        answer = Answer.text(503, String.valueOf(unreadable.getMessage()));
      } catch (RuntimeException fault) {
        LOG.error("a request failed", fault);
        answer = Answer.text(500, "this is a fault of the program");
      }
      send(exchange, answer);
    }
  }

  private Answer answer(HttpExchange exchange) throws IOException {
    if (!ours(exchange.getRequestHeaders().get("Host"))) {
      return Answer.text(403, "the Host of a request must be this server's");
    }
    String method = exchange.getRequestMethod();
    if (!method.equals("GET") && !method.equals("HEAD")) {
      exchange.getResponseHeaders().set("Allow", "GET, HEAD");
      return Answer.text(405, "this server only reads");
    }
    String path = exchange.getRequestURI().getPath();
    if (path.equals("/")) {
      return new Answer(200, "text/html; charset=utf-8", ReportPage.policy(true), page());
    }
    if (path.equals("/" + METRICS)) {
      return news(exchange.getRequestURI().getQuery());
    }
    Optional<Path> file =
        path.startsWith(FILES)
            ? RunFiles.find(run, path.substring(FILES.length()))
            : Optional.empty();
    if (file.isEmpty()) {
      return Answer.text(404, "nothing is there");
    }
    return new Answer(
        200,
        RunFiles.type(file.get()),
        "default-src 'none'; sandbox",
        Files.readAllBytes(file.get()));
  }

  private boolean ours(@Nullable List<String> host) {
    int port = server.getAddress().getPort();
    return host != null
        && host.size() == 1
        && Set.of("127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port)
            .contains(host.getFirst());
  }

  /** The report, made anew when files have changed. */
  private byte[] page() throws IOException {
    collecting.lock();
    try {
      RunLayout layout = RunLayout.find(run, data);
      RunVersion version = RunVersion.of(layout);
      Page page = cached;
      if (page == null || !page.version().equals(version)) {
        ReportData report = RunCollector.collect(layout, limits, Reports.now());
        ReportPage.Live live =
            new ReportPage.Live(METRICS, version.metrics(), version.rest(), RunFiles.linked(run));
        page =
            new Page(
                version,
                report.scores(),
                ReportPage.html(report, Optional.of(live)).getBytes(StandardCharsets.UTF_8));
        cached = page;
      }
      return page.html();
    } finally {
      collecting.unlock();
    }
  }

  /** The versions, and the curves if they are not those that the page has. */
  private Answer news(@Nullable String query) {
    RunLayout layout = RunLayout.find(run, data);
    RunVersion version = RunVersion.of(layout);
    Map<String, Object> news = new LinkedHashMap<>();
    news.put("version", version.metrics());
    news.put("page", version.rest());
    if (!("since=" + version.metrics()).equals(query)) {
      List<ReportData.Training> trainings = RunCollector.trainings(layout);
      Map<String, Object> last = new LinkedHashMap<>();
      trainings.forEach(training -> last.put(training.stage(), training.metrics().last()));
      news.put("last", last);
      news.put("curves", ReportPage.curves(trainings));
      Page page = cached;
      List<ReportData.Score> scores = page == null ? List.of() : page.scores();
      news.put("tiles", ReportPage.highlights(RunCollector.highlights(layout, scores, trainings)));
    }
    return new Answer(
        200, "application/json", "default-src 'none'", JsonMapper.shared().writeValueAsBytes(news));
  }

  private static void send(HttpExchange exchange, Answer answer) throws IOException {
    var headers = exchange.getResponseHeaders();
    headers.set("Content-Type", answer.type());
    headers.set("Content-Security-Policy", answer.policy() + "; frame-ancestors 'none'");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cache-Control", "no-store");
    if (exchange.getRequestMethod().equals("HEAD")) {
      headers.set("Content-Length", Integer.toString(answer.body().length));
      exchange.sendResponseHeaders(answer.status(), -1);
      return;
    }
    exchange.sendResponseHeaders(answer.status(), answer.body().length);
    try (OutputStream body = exchange.getResponseBody()) {
      body.write(answer.body());
    }
  }
}
