/** What everything for many hosts waits with and speaks through: time, HTTP, JSON from outside. */
export { type HttpAnswer, HttpClient, type HttpRequest, originOf, type Tls } from './http.ts';
export {
  flag,
  integer,
  type JsonShape,
  list,
  Misfit,
  object,
  optional,
  otherwise,
  parseJson,
  table,
  text,
  word,
} from './json.ts';
