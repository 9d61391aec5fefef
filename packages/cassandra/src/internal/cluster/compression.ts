/** LZ4 through `lz4-napi`, an optional peer dependency: it is looked for when a cluster asks for compression and at no other time. */
import * as Effect from "effect/Effect"
import { ConfigurationError } from "../../CassandraError.ts"
import { importModule } from "../importModule.ts"
import type { Resolved } from "../options/index.ts"
import { type Lz4, type Lz4Napi, lz4Of } from "../protocol/index.ts"

const load: Effect.Effect<Lz4, ConfigurationError> = Effect.tryPromise({
  try: async () => lz4Of(((await importModule("lz4-napi")) as { readonly default: Lz4Napi }).default),
  catch: (cause) =>
    new ConfigurationError({
      option: "compression",
      message:
        'compression "lz4" needs the optional package "lz4-napi": install it beside the client, or ask for "none"',
      cause
    })
})

/** The codec for the compression that the options ask for. */
export const compressionCodec = ({
  compression
}: Pick<Resolved, "compression">): Effect.Effect<Lz4 | undefined, ConfigurationError> => {
  switch (compression) {
    case "none":
      return Effect.succeed(undefined)
    case "auto":
      return Effect.orElseSucceed(load, () => undefined)
    case "lz4":
      return load
  }
}
