/**
 * An HTTP service with HttpApi of @effect/platform: users are created, read, changed, listed by cursor and streamed; failures become
 * status codes by their tags; the service says whether it is alive and ready, describes itself, and closes in order. Its parts
 * are in http-service/, with tests over real HTTP.
 *
 * PORT says where it listens, by default at 3000. Its API page is at /docs.
 *
 * Prints:
 *   Listening on http://0.0.0.0:…
 *   ^C
 *   Stopped; everything is closed.
 */
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Health } from "effect-cassandra"
import * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { createServer } from "node:http"
import { HttpLive } from "./http-service/Http.ts"
import { Users } from "./http-service/Users.ts"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"

const ServerLive = NodeHttpServer.layerConfig(() => createServer(), {
  port: Config.withDefault(Config.integer("PORT"), 3000)
})

// Layers close in the reverse order: first the server, which lets the requests that are under way end, then the session.
const Service = HttpLive.pipe(
  HttpServer.withLogAddress,
  Layer.provide(ServerLive),
  Layer.provide(Users.layer),
  Layer.provide(Health.layer({ schedule: Schedule.spaced("2 seconds") })),
  Layer.provide(SessionLive)
)

run(Layer.launch(Service))
