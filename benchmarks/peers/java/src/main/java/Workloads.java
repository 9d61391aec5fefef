import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.config.ProgrammaticDriverConfigLoaderBuilder;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.BatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.Statement;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;

/** One operation of each workload. */
final class Workloads {
  static final int MAX_REQUESTS = 32_768;

  /** What the workloads need beside or instead of the point read. */
  private static final Map<String, List<String>> STATEMENTS =
      Map.of(
          "insert", List.of("selectUser", "insertUser"),
          "mixed", List.of("selectUser", "insertUser"),
          "batch", List.of("selectUser", "insertBatched"),
          "scan", List.of("selectUser", "selectReadings"),
          "streams", List.of("selectUser", "selectReadings"),
          "small-streams", List.of("selectUser", "selectFew"),
          "wide-rows", List.of("selectUser", "selectWide"),
          "large-cells", List.of("selectUser", "selectLarge"));

  private final CqlSession session;
  private final JsonNode plan;
  private final Map<String, PreparedStatement> prepared = new HashMap<>();

  Workloads(CqlSession session, JsonNode plan, String workload) {
    this.session = session;
    this.plan = plan;
    // Not when it is needed first: that may be on one of the driver's own threads, which must not wait.
    for (String statement : STATEMENTS.getOrDefault(workload, List.of("selectUser"))) {
      prepared.put(statement, session.prepare(plan.get(statement).asText()));
    }
  }

  static CqlSession connect(JsonNode plan) {
    Map<String, String> env = System.getenv();
    ProgrammaticDriverConfigLoaderBuilder config = DriverConfigLoader.programmaticBuilder();
    // The stock options would wait for two seconds after closing, in which Netty does nothing.
    config.withDuration(DefaultDriverOption.NETTY_IO_SHUTDOWN_QUIET_PERIOD, Duration.ZERO);
    config.withDuration(DefaultDriverOption.NETTY_ADMIN_SHUTDOWN_QUIET_PERIOD, Duration.ZERO);
    config.withInt(DefaultDriverOption.REQUEST_PAGE_SIZE, plan.get("pageSize").asInt());
    // The stock options carry 1,024 requests on the one connection, and fail what is beyond.
    config.withInt(DefaultDriverOption.CONNECTION_MAX_REQUESTS, MAX_REQUESTS);
    CqlSessionBuilder builder =
        CqlSession.builder()
            .withConfigLoader(config.build())
            .withLocalDatacenter(env.get("CASSANDRA_LOCAL_DC"))
            .withKeyspace(plan.get("keyspace").asText());
    for (String host : env.get("CASSANDRA_CONTACT_POINTS").split(",")) {
      builder.addContactPoint(new InetSocketAddress(host, Integer.parseInt(env.get("CASSANDRA_PORT"))));
    }
    if (env.containsKey("CASSANDRA_USERNAME")) {
      builder.withAuthCredentials(env.get("CASSANDRA_USERNAME"), env.get("CASSANDRA_PASSWORD"));
    }
    return builder.build();
  }

  private PreparedStatement prepared(String statement) {
    return prepared.get(statement);
  }

  private int any(String count) {
    return ThreadLocalRandom.current().nextInt(plan.get(count).asInt());
  }

  private static UUID userId(int n) {
    return new UUID(0x4000L, 0x8000_0000_0000_0000L | n);
  }

  private static Instant at(long milliseconds) {
    return Instant.ofEpochMilli(1_700_000_000_000L + milliseconds);
  }

  private static void given(Object value) {
    if (value == null) throw new IllegalStateException("a cell is missing");
  }

  /** Does one operation, and tells as how many it counts. */
  CompletionStage<Long> once(String workload) {
    Random random = ThreadLocalRandom.current();
    switch (workload) {
      case "point-read":
      case "concurrency":
      case "latency":
      case "connect":
      case "start-up":
        return pointRead();
      case "insert":
        return insert();
      case "mixed":
        return random.nextDouble() < 0.2 ? insert() : pointRead();
      case "batch":
        return batch();
      case "scan":
      case "streams":
        return rows(prepared("selectReadings").bind());
      case "small-streams":
        return rows(prepared("selectFew").bind(any("partitions"))).thenApply(rows -> 1L);
      case "wide-rows":
        return session.executeAsync(prepared("selectWide").bind(any("wideRows"))).thenApply(Workloads::wide);
      case "large-cells":
        return session.executeAsync(prepared("selectLarge").bind(any("largeRows"))).thenApply(Workloads::large);
      default:
        throw new IllegalArgumentException("unknown workload: " + workload);
    }
  }

  private CompletionStage<Long> pointRead() {
    return session
        .executeAsync(prepared("selectUser").bind(userId(any("users"))))
        .thenApply(
            result -> {
              Row row = result.one();
              given(row.getUuid(0));
              given(row.getString(1));
              given(row.getString(2));
              row.getLong(3);
              row.getDouble(4);
              row.getBoolean(5);
              given(row.getInstant(6));
              return 1L;
            });
  }

  private CompletionStage<Long> insert() {
    int n = any("users");
    return session
        .executeAsync(
            prepared("insertUser")
                .bind(
                    userId(n),
                    "User number " + n,
                    "user" + n + "@example.com",
                    n * 17L,
                    n / 3.0,
                    n % 2 == 0,
                    at(n * 60_000L)))
        .thenApply(result -> 1L);
  }

  private CompletionStage<Long> batch() {
    int station = any("batchedPartitions");
    BatchStatementBuilder batch = BatchStatement.builder(BatchType.UNLOGGED);
    for (int seq = 0; seq < plan.get("batchSize").asInt(); seq++) {
      batch.addStatement(
          prepared("insertBatched")
              .bind(station, seq, at(seq * 1_000L), "thermometer " + seq % 16, 20 + (seq % 100) / 10.0));
    }
    return session.executeAsync(batch.build()).thenApply(result -> 1L);
  }

  /** Reads every page and every cell; gives the number of rows. */
  private CompletionStage<Long> rows(Statement<?> statement) {
    return session.executeAsync(statement).thenCompose(page -> rest(page, 0));
  }

  private static CompletionStage<Long> rest(AsyncResultSet page, long before) {
    long rows = before;
    for (Row row : page.currentPage()) {
      row.getInt(0);
      row.getInt(1);
      given(row.getInstant(2));
      given(row.getString(3));
      row.getDouble(4);
      rows++;
    }
    if (!page.hasMorePages()) return CompletableFuture.completedFuture(rows);
    long soFar = rows;
    return page.fetchNextPage().thenCompose(next -> rest(next, soFar));
  }

  private static long wide(AsyncResultSet result) {
    Row row = result.one();
    for (int i = 0; i < row.size(); i++) given(row.getObject(i));
    return 1;
  }

  private static long large(AsyncResultSet result) {
    ByteBuffer data = result.one().getByteBuffer(0);
    if (data == null || data.remaining() < 100_000) throw new IllegalStateException("a large cell is missing");
    return 1;
  }
}
