/** What a collector gets: a server for OTLP over HTTP, in JSON, that remembers what it is sent. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"

const Value = Schema.Union(
  Schema.Struct({ stringValue: Schema.String }),
  Schema.Struct({ intValue: Schema.Union(Schema.Number, Schema.NumberFromString) }),
  Schema.Struct({ doubleValue: Schema.Number }),
  Schema.Struct({ boolValue: Schema.Boolean })
)
type Plain = string | number | boolean

const Attributes = Schema.transform(
  Schema.Array(Schema.Struct({ key: Schema.String, value: Value })),
  Schema.Record({ key: Schema.String, value: Schema.Any as Schema.Schema<Plain> }),
  {
    strict: false,
    decode: (all) => Object.fromEntries(all.map(({ key, value }) => [key, Object.values(value)[0] as Plain])),
    encode: () => []
  }
)

const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optional(Schema.String),
  name: Schema.String,
  /** 1 internal, 2 server, 3 client. */
  kind: Schema.Number,
  attributes: Attributes,
  events: Schema.Array(Schema.Struct({ name: Schema.String, attributes: Attributes })),
  /** 1 is success, 2 an error. */
  status: Schema.Struct({ code: Schema.Number })
})

const Points = Schema.Struct({
  dataPoints: Schema.Array(
    Schema.Struct({
      attributes: Attributes,
      asDouble: Schema.optional(Schema.Number),
      count: Schema.optional(Schema.Number),
      bucketCounts: Schema.optional(Schema.Array(Schema.Number)),
      explicitBounds: Schema.optional(Schema.Array(Schema.Number))
    })
  ),
  isMonotonic: Schema.optional(Schema.Boolean)
})

const Measured = Schema.Struct({
  name: Schema.String,
  description: Schema.String,
  unit: Schema.String,
  sum: Schema.optional(Points),
  gauge: Schema.optional(Points),
  histogram: Schema.optional(Points)
})

const Traces = Schema.Struct({
  resourceSpans: Schema.Array(Schema.Struct({ scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) }))
})
const Metrics = Schema.Struct({
  resourceMetrics: Schema.Array(
    Schema.Struct({ scopeMetrics: Schema.Array(Schema.Struct({ metrics: Schema.Array(Measured) })) })
  )
})

export type Span = typeof Span.Type
export type Measured = typeof Measured.Type

export interface Collector {
  readonly url: string
  /** All that came. */
  readonly spans: ReadonlyArray<Span>
  /** Those that came last, by name. */
  readonly metrics: ReadonlyMap<string, Measured>
}

/** Listens on a free port as long as the scope is open. What is no OTLP is answered with 400. */
export const make = Effect.gen(function* () {
  const spans: Array<Span> = []
  const metrics = new Map<string, Measured>()
  const accepted = HttpServerResponse.unsafeJson({})
  const refused = HttpServerResponse.empty({ status: 400 })
  const app = HttpRouter.empty.pipe(
    HttpRouter.post(
      "/v1/traces",
      Effect.map(HttpServerRequest.schemaBodyJson(Traces), ({ resourceSpans }) => {
        spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)))
        return accepted
      })
    ),
    HttpRouter.post(
      "/v1/metrics",
      Effect.map(HttpServerRequest.schemaBodyJson(Metrics), ({ resourceMetrics }) => {
        for (const { scopeMetrics } of resourceMetrics) {
          for (const one of scopeMetrics.flatMap((scope) => scope.metrics)) metrics.set(one.name, one)
        }
        return accepted
      })
    ),
    HttpRouter.post("/v1/logs", accepted),
    HttpRouter.catchTags({
      ParseError: (error) => Effect.as(Effect.logError(error), refused),
      RequestError: (error) => Effect.as(Effect.logError(error), refused)
    })
  )
  const server = yield* NodeHttpServer.make(() => createServer(), { port: 0, host: "127.0.0.1" })
  yield* HttpServer.serveEffect(app).pipe(Effect.provideService(HttpServer.HttpServer, server))
  const { address } = server
  const url = `http://127.0.0.1:${address._tag === "TcpAddress" ? address.port : 0}`
  return { url, spans, metrics } satisfies Collector
})
