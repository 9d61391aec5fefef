/** An example as a process of its own. */
import * as Command from "@effect/platform/Command"
import type { CassandraServer } from "effect-cassandra-testkit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { fileURLToPath } from "node:url"

export const directory = fileURLToPath(new URL("..", import.meta.url))

/** What tells an example which server to use. */
export const environmentOf = ({
  contactPoints,
  credentials,
  localDataCenter,
  port
}: CassandraServer.CassandraServer): Readonly<Record<string, string>> => ({
  CASSANDRA_CONTACT_POINTS: contactPoints.join(","),
  CASSANDRA_PORT: String(port),
  CASSANDRA_LOCAL_DC: localDataCenter,
  // Any port that is free.
  PORT: "0",
  ...Option.match(credentials, {
    onNone: () => ({}),
    onSome: ({ password, username }) => ({
      CASSANDRA_USERNAME: username,
      CASSANDRA_PASSWORD: Redacted.value(password)
    })
  })
})

/** Starts an example; it is ended with the scope. */
export const startExample = (file: string, variables: Readonly<Record<string, string>>) =>
  Command.make(
    process.execPath,
    "--conditions=effect-cassandra-source",
    "--import",
    "tsx",
    `${directory}/${file}`
  ).pipe(Command.env(variables), Command.start)
