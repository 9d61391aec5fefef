import type { TestProjectInlineConfiguration } from "vitest/config"
import { onBothEngines } from "./scripts/test/bothEngines.ts"
import { blocks } from "./scripts/test/blocks.ts"

/**
 * The test projects. `unit` needs nothing but Node; `integration` runs against a real Cassandra, which one global setup
 * starts for the whole run. `integration-driver` runs a list of the same files once more, over `cassandra-driver`.
 */
const projects: Array<TestProjectInlineConfiguration> = [
  {
    extends: true,
    test: {
      name: "unit",
      include: [
        "packages/*/test/**/*.test.ts",
        "examples/**/*.test.ts",
        "benchmarks/test/**/*.test.ts",
        "scripts/test/**/*.test.ts"
      ],
      testTimeout: 60_000
    }
  },
  {
    extends: true,
    plugins: [blocks],
    test: {
      name: "integration",
      include: ["packages/*/test/**/*.it.ts", "examples/**/*.it.ts", "scripts/test/**/*.it.ts"],
      globalSetup: ["./scripts/test/server.ts"],
      testTimeout: 120_000,
      hookTimeout: 180_000
    }
  },
  {
    extends: true,
    test: {
      name: "integration-driver",
      include: [...onBothEngines],
      env: { EFFECT_CASSANDRA_ENGINE: "driver" },
      globalSetup: ["./scripts/test/server.ts"],
      setupFiles: ["./scripts/test/driverSetup.ts"],
      testTimeout: 120_000,
      hookTimeout: 180_000
    }
  }
]

export default projects
