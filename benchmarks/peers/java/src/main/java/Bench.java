import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.session.Session;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * The Java driver's part in the benchmark: the workloads of ../../../../../src/workloads.ts, told what to do as
 * ../../../../../src/protocol.ts says.
 */
public final class Bench {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final JsonNode plan;
  private final String name;
  private final Workloads workloads;

  private Bench(JsonNode plan, String name, CqlSession session) {
    this.plan = plan;
    this.name = name;
    this.workloads = new Workloads(session, plan, name);
  }

  private static long cpuMicros() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
            .getProcessCpuTime()
        / 1000;
  }

  private static long heap() {
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** A worker: the next operation begins when the last one is done. */
  private void next(long end, AtomicLong operations, AtomicReference<Throwable> failure, CompletableFuture<Void> done) {
    // A loop as long as answers are there at once, lest the stack grow.
    while (System.nanoTime() < end && failure.get() == null) {
      CompletableFuture<Long> one;
      try {
        one = workloads.once(name).toCompletableFuture();
      } catch (RuntimeException error) {
        failure.compareAndSet(null, error);
        break;
      }
      if (!one.isDone()) {
        one.whenComplete(
            (count, error) -> {
              if (error == null) operations.addAndGet(count);
              else failure.compareAndSet(null, error);
              next(end, operations, failure, done);
            });
        return;
      }
      if (one.isCompletedExceptionally()) {
        failure.compareAndSet(null, one.handle((count, error) -> error).join());
        break;
      }
      operations.addAndGet(one.join());
    }
    done.complete(null);
  }

  private long closedLoop(long milliseconds, int concurrency) throws Exception {
    long end = System.nanoTime() + milliseconds * 1_000_000;
    AtomicLong operations = new AtomicLong();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    CompletableFuture<?>[] workers = new CompletableFuture<?>[concurrency];
    for (int i = 0; i < concurrency; i++) {
      CompletableFuture<Void> done = new CompletableFuture<>();
      workers[i] = done;
      next(end, operations, failure, done);
    }
    CompletableFuture.allOf(workers).join();
    if (failure.get() != null) throw new Exception(failure.get());
    return operations.get();
  }

  /** Begins operations by the clock; a latency counts from the moment at which its operation was to begin. */
  private long atRate(long milliseconds, double rate, Histogram latencies) throws Exception {
    int total = (int) (milliseconds * rate / 1000);
    long start = System.nanoTime();
    CompletableFuture<?>[] begun = new CompletableFuture<?>[total];
    for (int n = 0; n < total; n++) {
      long due = start + (long) (n * 1e9 / rate);
      for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) LockSupport.parkNanos(wait);
      CompletionStage<Long> one = workloads.once(name);
      begun[n] = one.thenAccept(count -> latencies.record(System.nanoTime() - due)).toCompletableFuture();
    }
    CompletableFuture.allOf(begun).join();
    return total;
  }

  private long connections(long milliseconds, Histogram latencies) {
    long end = System.nanoTime() + milliseconds * 1_000_000;
    long operations = 0;
    while (System.nanoTime() < end) {
      long start = System.nanoTime();
      try (CqlSession fresh = Workloads.connect(plan)) {
        new Workloads(fresh, plan, "point-read").once("point-read").toCompletableFuture().join();
        latencies.record(System.nanoTime() - start);
      }
      operations++;
    }
    return operations;
  }

  private JsonNode work(JsonNode stretch) throws Exception {
    long milliseconds = stretch.get("milliseconds").asLong();
    double rate = stretch.path("rate").asDouble(0);
    Histogram latencies = new Histogram();
    long cpu = cpuMicros();
    long start = System.nanoTime();
    long operations =
        name.equals("connect")
            ? connections(milliseconds, latencies)
            : rate > 0
                ? atRate(milliseconds, rate, latencies)
                : closedLoop(milliseconds, stretch.get("concurrency").asInt());
    double elapsed = (System.nanoTime() - start) / 1e6;
    ObjectNode answer = JSON.createObjectNode();
    answer.put("operations", operations).put("milliseconds", elapsed).put("cpuMicros", cpuMicros() - cpu);
    answer.put("heap", heap());
    answer.set("latency", JSON.valueToTree(latencies.sparse()));
    return answer;
  }

  public static void main(String[] args) throws Exception {
    JsonNode plan = JSON.readTree(System.getenv("BENCH_PLAN"));
    try (CqlSession session = Workloads.connect(plan)) {
      Bench bench = new Bench(plan, args[0], session);
      bench.workloads.once("point-read").toCompletableFuture().join();
      ObjectNode ready = JSON.createObjectNode();
      ready.put("version", Session.OSS_DRIVER_COORDINATES.getVersion().toString());
      ready.put(
          "runtime",
          "Java %s, max-requests-per-connection %d".formatted(Runtime.version(), Workloads.MAX_REQUESTS));
      ready.put("cpuMicros", cpuMicros()).put("heap", heap());
      System.out.println(ready);
      BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonNode answer;
        try {
          answer = bench.work(JSON.readTree(line));
        } catch (Exception error) {
          answer = JSON.createObjectNode().put("failure", String.valueOf(error.getMessage()));
        }
        System.out.println(answer);
      }
    }
  }
}
