import type { SystemRow } from "./nodeRows.ts"

/**
 * Whether the nodes have one version of the schema, by the rows of `system.local` and of `system.peers`. Nodes that are `down`,
 * by host id, have no say: a node keeps the version that it had last in the others' tables, and no change would ever be agreed on.
 * The node that was asked always has one.
 */
export const versionsAgree = (
  local: SystemRow | undefined,
  peers: Iterable<SystemRow>,
  down: ReadonlySet<string>
): boolean => {
  const version = local?.["schema_version"]
  if (version === null || version === undefined) return false
  for (const peer of peers) {
    const other = peer["schema_version"]
    // A node that is joining has none yet.
    if (other === null || other === undefined || down.has(String(peer["host_id"]))) continue
    if (String(other) !== String(version)) return false
  }
  return true
}
