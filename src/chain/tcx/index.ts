export { readTcxFacts, type TcxFacts } from './record.ts';
