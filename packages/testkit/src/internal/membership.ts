/**
 * Nodes that join a running cluster, and nodes that leave it.
 */
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { MembershipError } from "../TestkitError.ts"
import type { Member, Started } from "./clusterStart.ts"
import * as Driver from "./driver.ts"
import * as NodeTool from "./nodeTool.ts"
import type { Place } from "./topology.ts"

type Services = FileSystem.FileSystem | CommandExecutor.CommandExecutor

const failure =
  (name: string, action: "add" | "remove") =>
  (cause: { readonly message: string }): MembershipError =>
    cause instanceof MembershipError ? cause : new MembershipError({ name, action, reason: cause.message, cause })

const running = (members: ReadonlyArray<Member>) =>
  Effect.filter(members, (member) => Effect.map(member.control.state, (state) => state === "up"))

/** Starts the node, which takes over its part of the data, and waits until all see it. */
export const add = (started: Started, place: Place): Effect.Effect<Member, MembershipError, Services> =>
  Effect.gen(function* () {
    const member = yield* started.join(place)
    yield* member.control.start
    started.members.push(member)
    yield* started.settle
    return member
  }).pipe(Effect.mapError(failure(place.name, "add")))

/** Asks again and again what needs the others to have noticed something first. */
const patiently = <A, E extends { readonly message: string }, R>(
  started: Started,
  what: string,
  effect: Effect.Effect<A, E, R>
) => {
  let last = "it was not asked"
  return effect.pipe(
    Effect.tapError((error) => Effect.sync(() => (last = error.message))),
    Effect.retry(Schedule.spaced("500 millis")),
    Effect.timeoutFail({
      duration: started.startTimeout,
      onTimeout: () => new Error(`${what} took longer than ${Duration.format(started.startTimeout)} (${last})`)
    })
  )
}

/**
 * Takes a node out. One that runs hands its data to the others and leaves; one that does not is declared gone by another
 * node, once the others have noticed that it is down, and what it had is copied from its replicas.
 */
export const remove = (started: Started, member: Member): Effect.Effect<void, MembershipError, Services> =>
  Effect.gen(function* () {
    const { members } = started
    const others = yield* running(members.filter((other) => other !== member))
    const [helper] = others
    if (helper === undefined) return yield* Effect.fail(new Error("no other node is up"))
    const left = members.length - 1
    if (left < started.roleReplicas) yield* Driver.replicateRoles(started.addressOf(helper), left)
    if ((yield* member.control.state) === "up") {
      // Keyspaces with as many replicas as there are nodes now will have fewer.
      yield* NodeTool.run(started.nodeTool(member), "decommission", "--force")
    } else {
      yield* member.control.kill
      const hostId = (yield* Driver.peers(started.addressOf(helper))).get(member.address)
      if (hostId !== undefined) {
        const removal = NodeTool.run(started.nodeTool(helper), "removenode", hostId)
        yield* patiently(started, "declaring it gone", removal)
      }
    }
    yield* member.control.kill
    members.splice(members.indexOf(member), 1)
    yield* Effect.forEach(others, (other) =>
      patiently(
        started,
        `its being forgotten by ${other.name}`,
        Effect.filterOrFail(
          Driver.peers(started.addressOf(other)),
          (known) => !known.has(member.address),
          () => new Error("it is still known")
        )
      )
    )
  }).pipe(Effect.mapError(failure(member.name, "remove")))
