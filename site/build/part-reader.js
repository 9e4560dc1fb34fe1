/**
 * At the start of the worker: reads its second script when a function of it is called. Each script gets what it needs of
 * the other by a key. `part` is what the first one exports.
 */

const bundle = {
  /** @param {string} key */
  readPart(key) {
    if (bundle.more === undefined) importScripts('worker-more.js');
    return bundle.more[key];
  },
  /** @type {any} */
  more: undefined,
};

/** @param {(bundle: { readPart(key: string): unknown }) => unknown} make */
globalThis.addPart = make => {
  const shared = part.shared();
  bundle.more = make({ readPart: key => shared[key] });
};
