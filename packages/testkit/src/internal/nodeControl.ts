/**
 * A node that can be stopped, killed, paused and started again, one thing at a time.
 */
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import type { NodeState } from "../CassandraCluster.ts"
import type { ServerStartError } from "../TestkitError.ts"
import { NodeStateError } from "../TestkitError.ts"
import type { PreparedNode } from "./cassandraNode.ts"
import * as Node from "./cassandraNode.ts"
import type * as CqlProbe from "./cqlProbe.ts"
import * as Watchdog from "./watchdog.ts"

/** A process and the scope it dies with. */
interface Run {
  readonly child: CommandExecutor.Process
  readonly scope: Scope.CloseableScope
  readonly paused: boolean
}

type Services = FileSystem.FileSystem | CommandExecutor.CommandExecutor

/** The handle of one node. */
export interface NodeControl {
  readonly state: Effect.Effect<NodeState>
  readonly pid: Effect.Effect<Option.Option<number>>
  readonly start: Effect.Effect<void, ServerStartError, Services>
  readonly stop: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
  readonly pause: Effect.Effect<void, NodeStateError>
  readonly resume: Effect.Effect<void, NodeStateError>
}

/** How long an orderly stop may take before the process is killed. */
const patience = "20 seconds"

const signal = (run: Run, name: NodeJS.Signals) =>
  Effect.sync(() => {
    try {
      process.kill(run.child.pid, name)
    } catch {
      // It is gone, which the next look at its state will tell.
    }
  })

/** A node that is down; its processes live in scopes of their own, which close with `parent`. */
export const make = Effect.fnUntraced(function* (node: PreparedNode, target: CqlProbe.Target, parent: Scope.Scope) {
  const current = yield* Ref.make(Option.none<Run>())
  const mutex = yield* Effect.makeSemaphore(1)
  const alone = mutex.withPermits(1)

  /** The process, if it has not ended meanwhile. */
  const running = Effect.flatMap(
    Ref.get(current),
    Option.match({
      onNone: () => Effect.succeedNone,
      onSome: (run) =>
        Effect.map(
          Effect.orElseSucceed(run.child.isRunning, () => false),
          (alive) => (alive ? Option.some(run) : Option.none<Run>())
        )
    })
  )

  const forget = (run: Run) => Effect.zipRight(Scope.close(run.scope, Exit.void), Ref.set(current, Option.none()))

  const whenRunning = <E>(action: (run: Run) => Effect.Effect<void, E>, otherwise: Effect.Effect<void, E>) =>
    alone(Effect.flatMap(running, Option.match({ onNone: () => otherwise, onSome: action })))

  const setPaused = (run: Run, paused: boolean) =>
    Effect.zipRight(signal(run, paused ? "SIGSTOP" : "SIGCONT"), Ref.set(current, Option.some({ ...run, paused })))

  const startNew = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(parent, ExecutionStrategy.sequential)
      const child = yield* restore(Scope.extend(Node.start(node, target), scope)).pipe(
        Effect.onError(() => Scope.close(scope, Exit.void))
      )
      yield* Ref.set(current, Option.some({ child, scope, paused: false }))
    })
  )

  const down = (action: "pause" | "resume") => new NodeStateError({ name: node.name, action, state: "down" })

  const control: NodeControl = {
    state: Effect.map(
      running,
      Option.match({ onNone: (): NodeState => "down", onSome: (run) => (run.paused ? "paused" : "up") })
    ),
    pid: Effect.map(
      running,
      Option.map((run) => run.child.pid)
    ),
    start: alone(
      Effect.flatMap(
        running,
        Option.match({
          onNone: () => startNew,
          onSome: (run): Effect.Effect<void, ServerStartError, Services> =>
            run.paused ? setPaused(run, false) : Effect.void
        })
      )
    ),
    stop: whenRunning(
      (run) =>
        signal(run, "SIGCONT").pipe(
          Effect.zipRight(signal(run, "SIGTERM")),
          Effect.zipRight(Effect.exit(run.child.exitCode)),
          Effect.timeoutOption(patience),
          Effect.zipRight(Watchdog.kill(run.child)),
          Effect.zipRight(forget(run))
        ),
      Effect.void
    ),
    kill: whenRunning((run) => Effect.zipRight(Watchdog.kill(run.child), forget(run)), Effect.void),
    pause: whenRunning<NodeStateError>((run) => setPaused(run, true), down("pause")),
    resume: whenRunning<NodeStateError>((run) => setPaused(run, false), down("resume"))
  }
  return control
})
