/** Options of dynamic loading. */

import type { Sys } from '../../kernel/index.ts';
import type { BindRequest } from '../../link/index.ts';
import type { LoadOptions } from '../../load/index.ts';
import type { Provider } from '../providers/index.ts';
import type { BindingBackEnd } from './bindings.ts';
import type { DynamicObject } from './dynamic-object.ts';

/** Options of `load`: those of `loadObject`, and what the object is bound to. */
export interface DynamicLoadOptions extends LoadOptions {
  /** Loaded objects to bind to. */
  readonly against?: readonly (Provider | DynamicObject)[];
  /**
   * More of them, searched where those have nothing.
   * @internal
   */
  readonly registered?: readonly Provider[];
  /** Externs with a definition of their own. */
  readonly bind?: readonly Omit<BindRequest, 'consumer'>[];
  /** Back end for all functions; without it each gets the best that can carry it. */
  readonly via?: BindingBackEnd;
  /** Back end for single functions, if `via` is not given. */
  readonly viaOf?: (extern: string) => BindingBackEnd | undefined;
  /** Reason of `viaOf`, for reports. Default: it was requested. */
  readonly reasonOf?: (extern: string) => string | undefined;
  /** Accept undefined functions; they return their default until a provider is loaded. */
  readonly lazy?: boolean;
  /** Name as a provider; default the first input's file name up to its first dot. */
  readonly name?: string;
  /** How to reach the kernel; default the running one's system calls. */
  readonly sys?: Sys;
}
