/** A larger body is answered 413. */
export const MAX_BODY_BYTES = 64 * 1024;
