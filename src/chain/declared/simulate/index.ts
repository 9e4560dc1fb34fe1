export type { SimulatedVerdict } from './chain-machine.ts';
export { type Simulation, simulateChain } from './simulate.ts';
