/** What everything for many hosts waits with and speaks through: time, HTTP, JSON from outside. */
export { backoff, type Clock, SYSTEM_CLOCK } from './clock.ts';
export {
  type HttpAnswer,
  HttpClient,
  type HttpRequest,
  type HttpStream,
  isProblem,
  originOf,
  type Tls,
} from './http.ts';
export {
  flag,
  integer,
  type JsonShape,
  list,
  Misfit,
  nullable,
  number,
  object,
  optional,
  otherwise,
  parseJson,
  table,
  text,
  word,
} from './json.ts';
