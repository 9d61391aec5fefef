import { assert, layer } from "@effect/vitest"
import { Cluster, Session } from "effect-cassandra"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { inspect } from "node:util"
import { planted } from "./badInput.ts"
import { type Call, calls, junk, type Kind, settle, uncalled } from "./badArguments.ts"
import { cluster, schema } from "./support/client.ts"
import { recorder, Recorder, through } from "./support/recorder.ts"

const setup = Layer.effectDiscard(schema("CREATE TABLE t (id int, c int, v text, PRIMARY KEY (id, c))")).pipe(
  Layer.provideMerge(Layer.scoped(Cluster.Cluster, cluster())),
  Layer.provideMerge(through),
  Layer.provideMerge(recorder),
  Layer.provideMerge(TestServer.layerKeyspace({ prefix: "bad_arguments" }))
)

/** What a call comes to, with some of its values replaced; what it throws counts as a failure. */
const outcome = ({ run, use }: Call, values: ReadonlyArray<unknown>) =>
  Effect.gen(function* () {
    const session = yield* Session.Session
    const context = yield* Effect.context<Session.Session | Cluster.Cluster>()
    return yield* Effect.suspend(() => {
      try {
        return settle(use(run(...values) as never, session))
      } catch (error) {
        return Effect.fail(error)
      }
    }).pipe(
      Effect.provide(context),
      Effect.scoped,
      Effect.timeoutFail({ duration: "30 seconds", onTimeout: () => "it hangs" }),
      Effect.exit
    )
  })

const typed = (error: unknown) => Predicate.hasProperty(error, "_tag") && error instanceof Error

const kinds = Object.keys(junk) as ReadonlyArray<Kind>

layer(setup, { excludeTestServices: true, timeout: "3 minutes" })("bad arguments", (it) => {
  it.effect("are given to every public function", () => Effect.sync(() => assert.deepStrictEqual(uncalled, [])))

  for (const call of calls) {
    it.effect(`${call.name} takes them or fails with a typed error`, () =>
      Effect.gen(function* () {
        const { texts } = yield* Recorder
        texts.length = 0
        const wrong: Array<string> = []
        for (const [i] of call.values.entries()) {
          for (const kind of kinds) {
            const exit = yield* outcome(call, call.values.with(i, junk[kind]))
            const refused = Exit.isFailure(exit)
            const error = refused ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
            if (refused && !typed(error)) {
              wrong.push(
                `${kind} for argument ${i + 1}: no typed error: ${inspect(Cause.squash(exit.cause)).split("\n").slice(0, 3).join(" ")}`
              )
            } else if (!refused && call.takes[i]?.includes(kind) !== true) {
              wrong.push(`${kind} for argument ${i + 1}: taken`)
            }
          }
        }
        assert.deepStrictEqual(wrong, [])
        // A text that was given as a whole is the CQL text.
        assert.notInclude(texts.filter((text) => text !== planted).join("\n"), "planted")
      })
    )
  }
})
