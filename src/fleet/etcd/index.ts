/** etcd: requests, watches, leases. */
export { type Compare, Etcd, type EtcdOptions, type KeyValue, type Operation } from './client.ts';
export { keepLease } from './lease.ts';
export { watchKeys } from './watch.ts';
