/** Effect's metrics as Prometheus scrapes them. */
import * as Metrics from "@effect/opentelemetry/Metrics"
import * as Resource from "@effect/opentelemetry/Resource"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus"
import { CassandraMetrics } from "effect-cassandra"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const make = Effect.gen(function* () {
  // The exporter could listen by itself; a service has a server already.
  const exporter = new PrometheusExporter({ preventServerStart: true })
  yield* Layer.build(Metrics.layer(() => exporter))
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true)
  return {
    scrape: CassandraMetrics.refresh.pipe(
      Effect.zipRight(Effect.promise(() => exporter.collect())),
      Effect.map(({ resourceMetrics }) =>
        HttpServerResponse.text(serializer.serialize(resourceMetrics), {
          contentType: "text/plain; version=0.0.4; charset=utf-8"
        })
      )
    )
  }
})

interface PrometheusService {
  /** What `GET /metrics` answers: every metric of the program, as it is now. */
  readonly scrape: Effect.Effect<HttpServerResponse.HttpServerResponse>
}

export class Prometheus extends Context.Tag("Prometheus")<Prometheus, PrometheusService>() {
  static readonly layer = (serviceName: string) =>
    Layer.scoped(Prometheus, make).pipe(Layer.provide(Resource.layer({ serviceName })))
}
