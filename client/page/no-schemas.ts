/**
 * What the bundle of the page has in place of typebox: the server checks what comes and goes, and the page
 * needs of `core/wire` its types, rules and defaults alone. Some 100 KB less to load.
 */
const schema = { properties: {} };

export const Type = new Proxy({}, { get: () => () => schema });

/** Of the functions that check values none is left in the bundle: nobody calls them. */
export const Value = undefined;
export const Compile = undefined;
