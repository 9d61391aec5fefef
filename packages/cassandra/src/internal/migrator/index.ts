/** Migrations: scripts, their history in a table, and the lease that one migrator holds. */
export * as cli from "./cli.ts"
export * as keyspaces from "./keyspace.ts"
export * as loaders from "./loaders.ts"
export * as runner from "./runner.ts"
