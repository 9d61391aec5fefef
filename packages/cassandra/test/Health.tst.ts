import { type Cluster, Health } from "effect-cassandra"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { describe, expect, it } from "tstyche"

interface Pager {
  readonly pager: "a service the schedule needs"
}
declare const needy: Schedule.Schedule<number, unknown, Pager>

describe("Health", () => {
  it("never fails, and needs a cluster", () => {
    expect(Health.check()).type.toBe<Effect.Effect<Health.ClusterHealth, never, Cluster.Cluster>>()
    expect(Health.stream(Schedule.spaced("1 second"))).type.toBe<
      Stream.Stream<Health.ClusterHealth, never, Cluster.Cluster>
    >()
    expect(Health.make()).type.toBe<Effect.Effect<Health.Health, never, Cluster.Cluster | Scope.Scope>>()
    expect(Health.layer({ minimumUp: 2 })).type.toBe<Layer.Layer<Health.Health, never, Cluster.Cluster>>()
  })

  it("needs what its schedule needs", () => {
    expect(Health.stream(needy)).type.toBe<Stream.Stream<Health.ClusterHealth, never, Cluster.Cluster | Pager>>()
    expect(Health.make({ schedule: needy })).type.toBe<
      Effect.Effect<Health.Health, never, Cluster.Cluster | Pager | Scope.Scope>
    >()
    expect(Health.layer({ schedule: needy })).type.toBe<Layer.Layer<Health.Health, never, Cluster.Cluster | Pager>>()
  })
})
