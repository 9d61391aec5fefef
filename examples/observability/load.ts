/** What clients of the HTTP example do. */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { request } from "node:http"

/** Requests to the service, which give the status of their answers. */
export const clientOf = (url: string) => {
  const send = (method: string, path: string, body?: unknown) =>
    Effect.async<{ readonly status: number; readonly text: string }>((resume, signal) => {
      // A connection for each: one that is kept may be closed just when it is used again.
      const headers = body === undefined ? {} : { "content-type": "application/json" }
      request(`${url}${path}`, { method, headers, agent: false, signal }, (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
        response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
      })
        .on("error", (error) => resume(Effect.die(error)))
        .end(body === undefined ? undefined : JSON.stringify(body))
    })
  const status = (method: string, path: string, body?: unknown) =>
    Effect.map(send(method, path, body), (answer) => answer.status)

  return {
    /** A new user's id. */
    create: Effect.suspend(() =>
      Effect.map(
        send("POST", "/users", { name: "Ada", email: `${randomUUID()}@example.org` }),
        ({ status: code, text }) => {
          if (code !== 201) throw new Error(`${code} instead of a new user`)
          return (JSON.parse(text) as { readonly id: string }).id
        }
      )
    ),
    get: (id: string) => status("GET", `/users/${id}`),
    rename: (id: string) => status("PATCH", `/users/${id}`, { name: "Augusta" }),
    remove: (id: string) => status("DELETE", `/users/${id}`),
    /** How many users there are. */
    export: Effect.map(send("GET", "/users.ndjson"), ({ text }) => text.trimEnd().split("\n").length),
    status: (path: string) => status("GET", path),
    /** What Prometheus gets. */
    scrape: Effect.map(send("GET", "/metrics"), ({ text }) => text)
  }
}

export type Client = ReturnType<typeof clientOf>

/** So many at once. */
export const together = <A>(count: number, one: Effect.Effect<A>, concurrency = count): Effect.Effect<Array<A>> =>
  Effect.all(
    Array.from({ length: count }, () => one),
    { concurrency }
  )
