/**
 * Keyspaces of any name. The driver looks them up in objects that inherit from `Object`: a keyspace called `constructor` is found there
 * before it is known, and one called `__proto__` is never found.
 */
import type driver from "cassandra-driver"
import { clientInside } from "../inside.ts"

type ByName<A> = Record<string, A>

const withoutPrototype = <A extends object>(byName: ByName<A>): ByName<A> => {
  const prototype = Object.getPrototypeOf(byName) as A | null
  if (prototype === null) return byName
  const own = Object.assign(Object.create(null) as ByName<A>, byName)
  // What was put under `__proto__`.
  if (prototype !== Object.prototype) own["__proto__"] = prototype
  return own
}

/** Has a client find its keyspaces by their names alone. Call before it connects. */
export const knowAnyName = (client: driver.Client): void => {
  const { controlConnection, metadata } = clientInside(client)
  let { keyspaces } = metadata
  keyspaces = withoutPrototype(keyspaces)
  Object.defineProperty(metadata, "keyspaces", {
    get: () => keyspaces,
    set: (read: typeof keyspaces) => {
      keyspaces = withoutPrototype(read)
    },
    enumerable: true,
    configurable: true
  })
  // What was announced of the keyspaces, until it is dealt with.
  let queue = controlConnection._debouncer._queue
  Object.defineProperty(controlConnection._debouncer, "_queue", {
    get: () => queue,
    set: (next: typeof queue) => {
      queue = next
      if (next !== null) next.keyspaces = withoutPrototype(next.keyspaces)
    },
    enumerable: true,
    configurable: true
  })
}
