import { availableParallelism, freemem } from "node:os"
import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.ts"

// Workspace packages resolve to their sources, so that tests need no build.
const conditions = ["effect-cassandra-source"]

/**
 * Files at a time: each may run a cluster of three nodes, which take 600 MB each, and a core or two when they start. Tests that look
 * at times need what is left.
 */
const workers = Math.max(1, Math.min(4, Math.floor(availableParallelism() / 2), Math.floor(freemem() / 3e9)))

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    projects,
    // The files of a project share a process. Loading `effect` and the driver anew for each took longer than most files run.
    poolOptions: { forks: { isolate: false, minForks: 1, maxForks: workers } }
  }
})
