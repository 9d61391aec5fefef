/** Whether the nodes agree on the schema, and how long a client waits for it. */
import type driver from "cassandra-driver"
import { clientInside } from "../inside.ts"
import { ask } from "./ask.ts"

/** Asks once. Rejects when nobody could be asked. The driver documents it, but does not declare it. */
export const checkAgreement = (client: driver.Client): Promise<boolean> =>
  clientInside(client).metadata.checkSchemaAgreement()

/**
 * Waits for schema agreement as long as it was told to and somebody wants to know, where the driver counts whole seconds and
 * knows no answer when it does not wait.
 */
export const waitForAgreement = (client: driver.Client, limit: number): void => {
  const inner = clientInside(client)
  inner._waitForSchemaAgreement = async (connection, isWanted = () => true) => {
    if (client.hosts.length === 1) return true
    const end = performance.now() + limit
    for (let left = limit; left > 0 && isWanted(); left = end - performance.now()) {
      if (await inner.metadata.compareSchemaVersions(connection)) return true
      await new Promise((resolve) => setTimeout(resolve, Math.min(200, left)))
    }
    return false
  }
}

/**
 * Lets nodes that are down have no say in whether the nodes agree on the schema. The driver asks for the versions of all, and
 * a node that is down keeps the version it had: each schema change would wait its full time, and end in disagreement.
 */
export const agreeAmongLiving = (client: driver.Client): void => {
  clientInside(client).metadata.compareSchemaVersions = async (connection) => {
    const versions = new Set<string>()
    const local = await ask(connection, "SELECT schema_version FROM system.local")
    const peers = await ask(connection, "SELECT host_id, schema_version FROM system.peers")
    const down = new Set(
      client.hosts
        .values()
        .filter((host) => !host.isUp())
        .map((host) => String(host.hostId))
    )
    for (const row of [...local, ...peers]) {
      const version = row["schema_version"]
      if (version && !down.has(String(row["host_id"]))) versions.add(String(version))
    }
    return versions.size === 1
  }
}
