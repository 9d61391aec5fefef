/** The ring of tokens as the driver keeps it, which its declarations show in part. */
import type driver from "cassandra-driver"

/** What the driver knows of the ring, with the hosts as it declares them; nothing where it was told not to keep tokens. */
export interface Ring {
  readonly ring: ReadonlyArray<object>
  readonly ringTokensAsStrings: ReadonlyArray<string>
  readonly primaryReplicas: Readonly<Record<string, driver.Host>>
  readonly tokenizer?: object
  readonly keyspaces: Readonly<Record<string, { readonly strategy?: string | null; readonly virtual?: boolean }>>
  getReplicas(keyspace: string, keyOrToken: Buffer | object): ReadonlyArray<driver.Host> | null | undefined
}

export const ringOf = (client: driver.Client): Ring | undefined => {
  const known = client.metadata as unknown as Partial<Ring>
  return known.ring === undefined || known.ring.length === 0 ? undefined : (known as Ring)
}
