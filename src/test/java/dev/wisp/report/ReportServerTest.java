package dev.wisp.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import dev.wisp.pipeline.Recipes;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ReportServerTest {
  @TempDir private Path folder;
  private Path run = Path.of("");
  private ReportServer server;
  private int port;

  @BeforeEach
  void serve() throws IOException {
    run = Files.createDirectories(folder.resolve("run"));
    Files.writeString(run.resolve("recipe.yaml"), Recipes.write(Recipes.load("demo", List.of())));
    Files.writeString(run.resolve("metrics.jsonl"), "{\"step\":1,\"loss\":0.75}\n");
    Files.writeString(folder.resolve("secret.txt"), "a secret beside the run");
    server = ReportServer.start(run, null, RunCollector.Limits.STANDARD, 0);
    port = server.address().getPort();
  }

  @AfterEach
  void end() {
    server.close();
  }

  /** A status line, headers and a body. */
  private record Response(String text) {
    int status() {
      return Integer.parseInt(text.split(" ", 3)[1]);
    }

    String head() {
      return text.substring(0, text.indexOf("\r\n\r\n"));
    }

    String body() {
      return text.substring(text.indexOf("\r\n\r\n") + 4);
    }
  }

  /** Sends the bytes of a request as they are: no client's tidying hides what the server does. */
  private Response ask(String method, String path, String host) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      OutputStream out = socket.getOutputStream();
      String request = method + " " + path + " HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n";
      out.write(request.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      return new Response(
          new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  private Response get(String path) throws IOException {
    return ask("GET", path, "Host: 127.0.0.1:" + port + "\r\n");
  }

  @Test
  void theReportIsServedWithAPolicyThatLetsNothingElseIn() throws IOException {
    Response page = get("/");
    assertThat(page.status()).isEqualTo(200);
    assertThat(page.body()).contains("<h1>run</h1>", "data-live=\"metrics.json\"", "Loss");
    assertThat(page.head())
        .containsIgnoringCase("content-security-policy: default-src 'none'")
        .containsIgnoringCase("frame-ancestors 'none'")
        .containsIgnoringCase("x-content-type-options: nosniff")
        .doesNotContain("unsafe-inline");
    assertThat(page.body()).contains("href=\"files/metrics.jsonl\"");
  }

  @Test
  void aGrowingRunIsShownAsItIs() throws IOException {
    JsonNode first = JsonMapper.shared().readTree(get("/metrics.json").body());
    assertThat(first.path("last").path("run").path("loss").asDouble()).isEqualTo(0.75);
    String same = "/metrics.json?since=" + first.path("version").asString();
    assertThat(JsonMapper.shared().readTree(get(same).body()).has("curves")).isFalse();
    Files.writeString(
        run.resolve("metrics.jsonl"),
        "{\"step\":2,\"loss\":0.5}\n{\"step\":3,\"lo",
        StandardOpenOption.APPEND);
    JsonNode second = JsonMapper.shared().readTree(get(same).body());
    assertThat(second.path("version")).isNotEqualTo(first.path("version"));
    assertThat(second.path("last").path("run").path("loss").asDouble()).isEqualTo(0.5);
    assertThat(second.path("curves").asString()).contains("<polyline", "loss");
    assertThat(second.path("tiles").asString()).contains("<b>2</b>steps done", "<b>0.5</b>loss");
    assertThat(get("/").body()).contains("0.5");
  }

  @Test
  void filesOfTheRunAreServedAndHeadGetsNoBody() throws IOException {
    Response file = get("/files/metrics.jsonl");
    assertThat(file.status()).isEqualTo(200);
    assertThat(file.body()).isEqualTo("{\"step\":1,\"loss\":0.75}\n");
    Response head = ask("HEAD", "/files/metrics.jsonl", "Host: localhost:" + port + "\r\n");
    assertThat(head.status()).isEqualTo(200);
    assertThat(head.head()).containsIgnoringCase("content-length: 23");
    assertThat(head.body()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/files/../secret.txt",
        "/files/%2e%2e/secret.txt",
        "/files/%2e%2e%2fsecret.txt",
        "/files/..%2fsecret.txt",
        "/files/%252e%252e%252fsecret.txt",
        "/files/%252e%252e/secret.txt",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        "/files/..%5csecret.txt",
        "/files/./metrics.jsonl",
        "/files/train/../../secret.txt",
        "/files/metrics.jsonl%00.png",
        "/files/link.txt",
        "/files/linked/secret.txt",
        "/files/.lock",
        "/files/",
        "/files",
        "/../secret.txt",
        "/secret.txt",
        "/metrics.jsonl"
      })
  void nothingOutsideTheRunIsServed(String path) throws IOException {
    Files.createSymbolicLink(run.resolve("link.txt"), folder.resolve("secret.txt"));
    Files.createSymbolicLink(run.resolve("linked"), folder);
    Files.writeString(run.resolve(".lock"), "hidden");
    Files.createDirectories(run.resolve("train"));
    Response refused = get(path);
    assertThat(refused.status()).isIn(400, 404);
    assertThat(refused.body()).doesNotContain("secret beside", "root:", "hidden");
  }

  @Test
  void onlyRequestsThatReadAreAnswered() throws IOException {
    for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS", "PATCH")) {
      Response refused = ask(method, "/", "Host: 127.0.0.1:" + port + "\r\n");
      assertThat(refused.status()).as(method).isEqualTo(405);
      assertThat(refused.head()).containsIgnoringCase("allow: GET, HEAD");
    }
  }

  @Test
  void aRequestUnderAnotherHostsNameIsRefused() throws IOException {
    for (String host :
        List.of(
            "Host: evil.example\r\n",
            "Host: evil.example:" + port + "\r\n",
            "Host: 127.0.0.1\r\n",
            "Host: 127.0.0.1:" + port + ".evil.example\r\n",
            "")) {
      Response refused = ask("GET", "/", host);
      assertThat(refused.status()).as(host).isIn(400, 403);
      assertThat(refused.body()).as(host).doesNotContain("<h1>");
    }
    assertThat(ask("GET", "/", "Host: [::1]:" + port + "\r\n").status()).isEqualTo(200);
  }

  @Test
  void theServerListensOnTheLoopbackAddressAlone() {
    assertThat(server.address().getHost()).isEqualTo("127.0.0.1");
    assertThat(server.bound().isLoopbackAddress()).isTrue();
  }

  @Test
  void aPortInUseIsAUsersError() {
    assertThatThrownBy(() -> ReportServer.start(run, null, RunCollector.Limits.STANDARD, port))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("port " + port)
        .hasMessageContaining("--port")
        .hasMessageNotContaining("\n");
  }

  @Test
  void afterClosingNobodyAnswers() {
    server.close();
    assertThatThrownBy(() -> get("/")).isInstanceOf(IOException.class);
  }
}
