/**
 * An HTTP service with HttpApi of @effect/platform: users are created, read, changed, listed by cursor and streamed; failures become
 * status codes by their tags; the service says whether it is alive and ready, describes itself, and closes in order. Its parts
 * are in http-service/, with tests over real HTTP.
 *
 * PORT says where it listens, by default at 3000. Its API page is at /docs, its metrics are at /metrics for Prometheus; traces go
 * to OTEL_EXPORTER_OTLP_ENDPOINT, if there is one. A dashboard and alerts are in observability/.
 *
 * Prints:
 *   Listening on http://0.0.0.0:…
 *   ^C
 *   Stopped; everything is closed.
 */
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type Cluster, Health, SpeculativeExecution } from "effect-cassandra"
import * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { createServer } from "node:http"
import { HttpLive } from "./http-service/Http.ts"
import { OtlpLive } from "./http-service/Telemetry.ts"
import { Users } from "./http-service/Users.ts"
import { run } from "./support/main.ts"
import { sessionWith } from "./support/server.ts"

const ServerLive = NodeHttpServer.layerConfig(() => createServer(), {
  port: Config.withDefault(Config.integer("PORT"), 3000)
})

/** Somebody waits for the answer: no wait is long, and what is too much is refused at once. */
const options: Cluster.ClusterOptions = {
  compression: "auto",
  timeout: "2 seconds",
  deadline: "5 seconds",
  speculativeExecution: SpeculativeExecution.constant({ delay: "200 millis" }),
  maxConcurrentRequests: 64,
  maxQueuedRequests: 64,
  slowQueryThreshold: "500 millis"
}

// Layers close in the reverse order: first the server, which lets the requests that are under way end, then the session.
const Service = HttpLive.pipe(
  HttpServer.withLogAddress,
  Layer.provide(ServerLive),
  Layer.provide(Users.layer),
  Layer.provide(Health.layer({ schedule: Schedule.spaced("2 seconds") })),
  Layer.provide(sessionWith(options)),
  Layer.provide(OtlpLive)
)

run(Layer.launch(Service))
