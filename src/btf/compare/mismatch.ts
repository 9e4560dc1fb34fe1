/** Where and how two types differ. */

/** The first difference. */
export interface TypeMismatch {
  /**
   * Where, from the outside in, such as `parameter 1: struct flow: member "port"`; '' for the types as a
   * whole.
   */
  readonly path: string;
  /** The differing parts as C. */
  readonly left: string;
  readonly right: string;
}
