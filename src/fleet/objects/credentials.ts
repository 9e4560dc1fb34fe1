/** User names and passwords of registries: the file that `podman login` and `docker login` write. */

import { inputError } from '../../diag/index.ts';
import { Misfit, object, optional, otherwise, parseJson, table, text } from '../io/index.ts';

const FILE = object({
  auths: otherwise(
    table(object({ auth: optional(text(8192, /^[A-Za-z0-9+/=]*$/)) }), 1024),
    new Map<string, { readonly auth: string | undefined }>(),
  ),
});

/** User names and passwords of registries, as `podman login` writes them. */
export class Credentials {
  readonly #headers: ReadonlyMap<string, string>;

  private constructor(headers: ReadonlyMap<string, string>) {
    this.#headers = headers;
  }

  /** Throws `oci-credentials`. */
  static parse(name: string, content: string): Credentials {
    try {
      const { auths } = parseJson(content, FILE);
      const headers = [...auths].flatMap(([registry, { auth }]) =>
        auth === undefined || auth === '' ? [] : [[hostOf(registry), `Basic ${auth}`] as const],
      );
      return new Credentials(new Map(headers));
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      throw inputError('oci-credentials', [name], error.message, {
        hint: '"podman login --authfile FILE REGISTRY" writes such a file',
      });
    }
  }

  /** The header for a registry; undefined without credentials. */
  for(registry: string): string | undefined {
    return this.#headers.get(registry);
  }
}

/** Docker writes some registries as URLs. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}
