/** Sizes of the header of `.BTF`, for the reader and the writer. */

/** Bytes of the header that every reader supports, and that is written. */
export const BTF_HEADER_SIZE = 24;
