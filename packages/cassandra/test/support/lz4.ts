/** LZ4, which the workspace has installed. */
import * as napi from "lz4-napi"
import { lz4Of } from "../../src/internal/protocol/index.ts"

export const lz4 = lz4Of(napi)
