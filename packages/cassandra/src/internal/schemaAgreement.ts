/** Whether the nodes have the same schema. */
import type driver from "cassandra-driver"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { SchemaAgreementError } from "../Metadata.ts"
import { turn } from "./turns.ts"
import { checkAgreement } from "./wire/client/index.ts"

/** Whether all nodes that are up agree; false when nobody could be asked. Ends at once when it is interrupted. */
export const inAgreement = (client: driver.Client): Effect.Effect<boolean> =>
  Effect.zipRight(
    turn,
    Effect.promise(() => checkAgreement(client).catch(() => false))
  )

export const awaitAgreement = (
  client: driver.Client,
  maxWait: Duration.Duration
): Effect.Effect<void, SchemaAgreementError> =>
  inAgreement(client).pipe(
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
