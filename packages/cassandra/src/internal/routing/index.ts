/** Which nodes a request goes to: load balancing policies, query plans and the circuit breaker. Nothing of Effect. */
export { Breaker, type BreakerSettings, type BreakerState } from "./breaker.ts"
export { balancingKey, Policies, type Routing, routingKey, RoutingPolicy } from "./loadBalancing.ts"
export { Target } from "./target.ts"
