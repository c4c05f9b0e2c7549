/** Times of both stores in SQL: whole µs since 1970 here, `timestamptz` there. Exact: a float of seconds would be off by one now and then. */

/** `timestamptz` out of µs. @param us an expression of type bigint */
export const AT = (us: string) => `'epoch'::timestamptz + ${us} * interval '1 microsecond'`;

/** µs out of a `timestamptz`. */
export const US = (time: string) => `(extract(epoch FROM ${time}) * 1000000)::bigint`;
