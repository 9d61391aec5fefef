import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.ts"

// Workspace packages resolve to their sources, so that tests need no build.
const conditions = ["effect-cassandra-source"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    projects,
    // The files of a project share a process. Loading `effect` and the driver anew for each took longer than most files run.
    poolOptions: { forks: { isolate: false } }
  }
})
