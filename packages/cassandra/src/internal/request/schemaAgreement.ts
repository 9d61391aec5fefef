/** Whether the nodes have the same schema. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { SchemaAgreementError } from "../../Metadata.ts"
import type { ClusterView } from "./engine.ts"
import { turn } from "./turns.ts"

/**
 * Where a session answers whether the nodes that are up agree on the schema now: `Migrator` waits for that. It is not on the
 * public interface.
 */
export const schemaAgreement: unique symbol = Symbol.for("effect-cassandra/Session/schemaAgreement")

/** Whether all nodes that are up agree; false when nobody could be asked. Ends at once when it is interrupted. */
export const inAgreement = (view: ClusterView): Effect.Effect<boolean> =>
  Effect.zipRight(
    turn,
    Effect.promise(() => view.checkAgreement().catch(() => false))
  )

export const awaitAgreement = (
  view: ClusterView,
  maxWait: Duration.Duration
): Effect.Effect<void, SchemaAgreementError> =>
  inAgreement(view).pipe(
    Effect.repeat({ until: (agreed) => agreed, schedule: Schedule.spaced("200 millis") }),
    Effect.timeoutFail({
      duration: maxWait,
      onTimeout: () =>
        new SchemaAgreementError({
          message: `The nodes did not agree on the schema within ${Duration.format(maxWait)}`,
          waited: Duration.toMillis(maxWait)
        })
    }),
    Effect.asVoid
  )
