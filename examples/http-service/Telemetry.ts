/**
 * What the service tells of itself: its metrics to Prometheus, which asks for `/metrics`; and metrics, traces and logs by OTLP to
 * where OTEL_EXPORTER_OTLP_ENDPOINT says, if it does.
 */
import * as Otlp from "@effect/opentelemetry/Otlp"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Prometheus } from "../support/prometheus.ts"

const serviceName = "users"

/** `GET /metrics` */
export const MetricsLive = HttpApiBuilder.Router.use((router) =>
  Effect.flatMap(Prometheus, ({ scrape }) => router.get("/metrics", scrape))
).pipe(Layer.provide(Prometheus.layer(serviceName)))

/** Who looks whether the service is well makes no traces. */
export const withoutTracesOfProbes = HttpMiddleware.withTracerDisabledForUrls([
  "/metrics",
  "/health/ready",
  "/health/live"
])

export const OtlpLive = Layer.unwrapEffect(
  Effect.map(
    Config.option(Config.string("OTEL_EXPORTER_OTLP_ENDPOINT")),
    Option.match({
      onNone: () => Layer.empty,
      onSome: (baseUrl) => Otlp.layerJson({ baseUrl, resource: { serviceName } })
    })
  )
).pipe(Layer.provide(FetchHttpClient.layer))
